"""A program around Lean's library: theorems in, one line of JSON out for each.

It reads lines of JSON from stdin: a header, then statements, each followed by the proofs to try.
The header is elaborated once; its state is immutable and every statement and every proof starts
from it, so that none can affect another. Of each text Lean parses and elaborates one command. Where
that command does not end with the text, the rest is never looked at: Lean's recovery from errors,
which reads commands inside what it could not parse, does not run here.

A proof that Lean accepts is then checked again. What it declared is taken out of the environment
that it was elaborated in and given to the kernel on top of the header's own environment, which no
proof has touched; its type must be that of the statement, which was elaborated by itself.

This package is a separate program, the process that reads untrusted text inside the sandbox: it
imports only the standard library and nothing else of lit_research, which does not import it either.
"""
