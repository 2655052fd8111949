#!/usr/bin/env python3
import sys
x = " ".join(sys.argv[1:])
y = ""
for c in x:
    if c >= "a" and c <= "z":
        y = y + c
    elif c >= "A" and c <= "Z":
        y = y + c.lower()
    elif c >= "0" and c <= "9":
        y = y + c
    else:
        y = y + "-"
z = ""
for c in y:
    if c == "-" and z == "":
        continue
    if c == "-" and z[-1] == "-":
        continue
    z = z + c
if z != "" and z[-1] == "-":
    z = z[:-1]
if z == "":
    z = "untitled"
print(z)
