"""The words of the released benchmark's prompts, which define it, and our own beside them.

The questions' words are those of LongCodeBench (Rando et al. 2025, arXiv 2505.07897). The repair
prompt is SWE-bench's ``style-3`` (Jimenez et al. 2024), under the MIT licence, Copyright (c) 2023
Carlos E Jimenez, John Yang, Alexander Wettig, Shunyu Yao, Kexin Pei, Ofir Press, Karthik R
Narasimhan. Line breaks inside sentences are part of the prompts.
"""

GOALS = {
    "letter": (
        "You are going to be provided the content of a\nrepository and a question about it. "
        "Provide the answer to the question by\nstating ONLY the letter associated to the question."
    ),
    "final_answer": (
        "Read the content of a repository and a question about it. Explain your answer, and end "
        "with a line\nthat holds only 'Final Answer: ' and the letter of the right option."
    ),
    "answer_line": (
        "Read the content of a repository and a question about it. End your answer with a line "
        "that holds\nonly 'ANSWER: ' and the letter of the right option."
    ),
}
"""What is asked of a question's answer: ``letter`` is the paper's, the others are ours."""

WITHOUT = (
    "You are going to be provided with a question\nabout the repository {repository}. Provide the "
    "answer to the question by stating\nONLY the letter associated to the question.\n\n"
)
"""The beginning of a question that is asked without the code; the paper's."""

PREMISE = (
    "You will be provided with a partial code base and an issue statement explaining a problem to "
    "resolve."
)
EXPLANATION = (
    "Here is an example of a patch file. It consists of changes to the code base. It specifies the "
    "file names, the line numbers of each change, and the removed and added lines. A single patch "
    "file can contain changes to multiple files."
)
INSTRUCTION = (
    "I need you to solve the provided issue by generating a single patch file that I can apply "
    "directly to this repository using git apply. Please respond with a single patch file in the "
    "format shown above."
)
EXAMPLE = """--- a/file.py
+++ b/file.py
@@ -1,27 +1,35 @@
 def euclidean(a, b):
-    while b:
-        a, b = b, a % b
-    return a
+    if b == 0:
+        return a
+    return euclidean(b, a % b)
\x20
\x20
 def bresenham(x0, y0, x1, y1):
     points = []
     dx = abs(x1 - x0)
     dy = abs(y1 - y0)
-    sx = 1 if x0 < x1 else -1
-    sy = 1 if y0 < y1 else -1
-    err = dx - dy
+    x, y = x0, y0
+    sx = -1 if x0 > x1 else 1
+    sy = -1 if y0 > y1 else 1
\x20
-    while True:
-        points.append((x0, y0))
-        if x0 == x1 and y0 == y1:
-            break
-        e2 = 2 * err
-        if e2 > -dy:
+    if dx > dy:
+        err = dx / 2.0
+        while x != x1:
+            points.append((x, y))
             err -= dy
-            x0 += sx
-        if e2 < dx:
-            err += dx
-            y0 += sy
+            if err < 0:
+                y += sy
+                err += dx
+            x += sx
+    else:
+        err = dy / 2.0
+        while y != y1:
+            points.append((x, y))
+            err -= dx
+            if err < 0:
+                x += sx
+                err += dy
+            y += sy
\x20
+    points.append((x, y))
     return points"""

SEARCH_REPLACE = """To change a file, name it, and below it give the lines to be replaced as they
are in the file, without line numbers, and the lines that replace them:

path/to/file.py
<<<<<<< SEARCH
old lines
=======
new lines
>>>>>>> REPLACE

There may be several such blocks. The old lines must be in the file exactly once. Solve the provided
issue with such blocks.

Respond below:"""
"""Our instruction for search and replace."""

WHOLE_FILE = """Solve the provided issue by giving every file that you change, whole: its path on a
line, and below it all of its lines in a fenced block:

path/to/file.py
```
all lines of the file
```

Respond below:"""
"""Our instruction for whole files."""
