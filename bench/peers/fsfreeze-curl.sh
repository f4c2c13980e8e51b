#!/bin/sh
# What an operator writes in an afternoon: freeze with fsfreeze(8), send all requests with curl, thaw.
#   fsfreeze-curl.sh <mount point>... -- <option of curl>...
# Standard input: the requests, as a configuration of curl.
# Whatever fails, everything is thawed; the exit code is that of the first failure.
frozen=
thaw() {
  for mount in $frozen; do
    fsfreeze --unfreeze "$mount"
  done
  frozen=
}
trap thaw EXIT
trap 'exit 143' TERM
trap 'exit 130' INT

while [ "$1" != -- ]; do
  fsfreeze --freeze "$1" || exit
  frozen="$1 $frozen"
  shift
done
shift
curl "$@" --config -
