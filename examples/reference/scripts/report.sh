#!/bin/sh
# Says what it was asked about, and where it ran.
echo "looked at $1 on $PULSE_AGENT"
