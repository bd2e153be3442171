#!/bin/sh
# Says where the programs of programs.txt are; changes nothing. It begins in the work folder, in which its files lie.
set -eu
echo "$1 ($2)"
while read -r program; do
    place=$(command -v "$program") || place="not here"
    echo "  $program: $place"
done < programs.txt
