"""Final answers with their keys, and whether they are right, by kind; wrong ones are near right."""

from __future__ import annotations

LABELLED: dict[str, list[tuple[str, str, bool]]] = {
    "numbers": [
        ("5", "5", True), ("42", "43", False), ("-3", "\u2212" "3", True), ("-3", "3", False),
        ("1000", "1,000", True), ("1{,}000{,}000", "1000000", True), ("10^6", "1e6", True),
        (r"1.5\times 10^3", "1500", True), ("1.5e3", "150", False), ("2^{10}", "1024", True),
        ("2^{10}", "1023", False), ("0.0000001", "0.0000002", False), ("10!", "3628800", True),
        (r"\binom{6}{2}", "15", True), ("12:30", "12:30", True), ("0.123456789", "0.1234", False),
    ],
    "fractions": [
        ("1/2", "0.5", True), ("1/2", r"\frac{1}{2}", True),
        (r"\frac{3}{4}", r"\dfrac{6}{8}", True),
        (r"\frac{3}{4}", r"\frac{4}{3}", False), (r"1\frac{1}{2}", "1 1/2", True),
        ("1 1/2", "1", False), ("1 1/2", r"\frac{3}{2}", True), (r"\frac12", "0.50", True),
        ("0.333333", "1/3", True), ("1/3", "0.33", False), (r"0.\overline{3}", "0", False),
        (r"0.\overline{3}", r"\frac13", True), ("-1/2", "1/2", False),
    ],
    "units": [
        (r"5 \text{ cm}", "5", True), (r"5 \text{ cm}", "5 cm", True), ("5 km", "5 miles", False),
        (r"5 \text{ m}", r"5 \text{ s}", False), (r"12 \text{ cm}", r"13 \text{ cm}", False),
        (r"90^\circ", "90°", True), (r"90^\circ", r"60^\circ", False), (r"\$5.50", "5.5", True),
        (r"\$18", "$18$", True), ("30 minutes", "30 hours", False),
    ],
    "percent": [
        (r"50\%", "0.5", True), (r"50\%", "50%", True), (r"25\%", r"\frac14", True),
        (r"25\%", "0.4", False), (r"12.5\%", r"12.4\%", False),
    ],
    "intervals": [
        ("(1,2)", "(1, 2)", True), ("(1,2)", "(2,1)", False), ("[0,1)", "[0,1]", False),
        ("[0,1)", r"0 \le x < 1", True), (r"(-\infty, 2]", "x <= 2", True),
        (r"(-\infty,1)\cup(2,\infty)", r"(2,\infty) \cup (-\infty,1)", True),
        (r"(1,\infty)", "(1,∞)", True), (r"(1,\infty)", r"[1,\infty)", False),
    ],
    "sets": [
        (r"\{1,2,3\}", r"\{3,1,2\}", True), (r"\{1,2,3\}", "1, 2, 3", True),
        (r"\{1,2,3\}", r"\{1,2\}", False), (r"\{1,2,3\}", r"\{1,2,4\}", False),
        (r"\emptyset", r"\varnothing", True), (r"x=2 \text{ or } x=3", "2, 3", True),
        (r"x=2 \text{ or } x=3", "2, 4", False), (r"\pm 2", "-2, 2", True), (r"\pm 2", "2", False),
    ],
    "matrices": [
        (r"\begin{pmatrix}1&2\\3&4\end{pmatrix}", r"\begin{bmatrix} 1 & 2 \\ 3 & 4 \end{bmatrix}",
         True),
        (r"\begin{pmatrix}1&2\\3&4\end{pmatrix}", r"\begin{pmatrix}1&3\\2&4\end{pmatrix}", False),
        (r"\begin{pmatrix}1\\2\end{pmatrix}", r"\begin{pmatrix}1\\-2\end{pmatrix}", False),
    ],
    "expressions": [
        (r"\frac{\pi}{2}", "pi/2", True), (r"2\sqrt{3}", r"\sqrt{12}", True),
        (r"2\sqrt{3}", "2*sqrt(3)", True), (r"2\sqrt{3}", r"3\sqrt{2}", False),
        ("√2", r"\sqrt{2}", True), (r"\pi", "3.14", False),
        (r"\frac{1}{\sqrt 2}", r"\frac{\sqrt{2}}{2}", True), ("x^2-1", "(x-1)(x+1)", True),
        ("x^2-1", "(x-1)^2", False), ("x^2+2x+1", "(x+1)**2", True),
        ("y=2x+1", "y = 1 + 2x", True), ("y=2x+1", "y=2x-1", False), ("x=5", "5", True),
        ("3+4i", "4i+3", True), ("3+4i", "3-4i", False), (r"\sin^2 x + \cos^2 x", "1", True),
        (r"2\ln 3", r"\ln 9", True), (r"\frac{1}{x}", r"\boxed{x^{-1}}.", True),
    ],
    "words": [
        ("A", "B", False), ("B", "(B)", True), ("Tuesday", "tuesday", True),
        ("Tuesday", "Thursday", False), ("silent", "listen", False), ("yes", "no", False),
        ("no", "No", True), (r"\text{no solution}", "no solution", True),
    ],
}  # fmt: skip
