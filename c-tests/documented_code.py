# SPDX-License-Identifier: MIT OR Apache-2.0
"""Compares the C code of documents with the tests that it is taken from. Arguments: documents.

A block of code stands below a comment with the path of its test, from the top of the repository.
"""
import pathlib
import re
import sys

top = pathlib.Path(__file__).resolve().parent.parent
blocks = 0
for document in sys.argv[1:]:
    text = pathlib.Path(document).read_text()
    unnamed = text.count("```c\n")
    for path, code in re.findall(r"<!-- (\S+) -->\n```c\n(.*?)```\n", text, re.DOTALL):
        blocks += 1
        unnamed -= 1
        if code not in (top / path).read_text():
            sys.exit(f"{document}: a block of code is not that of {path}:\n{code}")
    if unnamed:
        sys.exit(f"{document}: {unnamed} blocks of code have no comment with the path of a test")
if blocks == 0:
    sys.exit("no code in these documents")
