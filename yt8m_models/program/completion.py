"""Completion of `yt8m` in a shell: names of programs, their flags, and the values that are known.

A script asks `yt8m completion words NAME` for the flags of a program, a line each: `--top_k=` for
one that takes a value, and `--model=DSGMMModel` for each of the values that there are.
"""

from collections.abc import Sequence

_BASH = """\
_yt8m() {
  local IFS=$'\\n' line="${COMP_LINE:0:COMP_POINT}"
  local word="${line##* }"
  COMPREPLY=()
  if [[ "${line% *}" != *" "* ]]; then
    COMPREPLY=($(compgen -W "$(printf '%s\\n' PROGRAMS)" -- "$word"))
  elif [[ "$word" == -* ]]; then
    COMPREPLY=($(compgen -W "$(yt8m completion words "${COMP_WORDS[1]}" 2>/dev/null)" -- "$word"))
    [[ "${COMPREPLY[*]}" == *= ]] && compopt -o nospace
    [[ "$word" == *=* ]] && COMPREPLY=("${COMPREPLY[@]#*=}")
  fi
}
complete -o default -F _yt8m yt8m
"""

_ZSH = """\
#compdef yt8m
_yt8m() {
  local -a words_of_program
  if (( CURRENT == 2 )); then
    compadd -- PROGRAMS
  elif [[ "$PREFIX" == -* ]]; then
    words_of_program=(${(f)"$(yt8m completion words "$words[2]" 2>/dev/null)"})
    compadd -S '' -- $words_of_program || { compset -P '*=' && _files }
  else
    _files
  fi
}
compdef _yt8m yt8m
"""

SHELLS = {"bash": _BASH, "zsh": _ZSH}


def completion(shell: str, programs: Sequence[str]) -> str:
    """The script that a shell reads to complete `yt8m`, e.g. `source <(yt8m completion bash)`."""
    return SHELLS[shell].replace("PROGRAMS", " ".join(programs)).rstrip("\n")
