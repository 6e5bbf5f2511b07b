# The store of a million manifests has a script of its own, since making it takes longer than all the rest; its readings are lines like the others. For dev.d/bench.

large_figure() {
  local kept=artifacts/bench-large.jsonl
  if [[ -n $large ]]; then
    [[ -x dev.d/bench-large ]] || die "--large: dev.d/bench-large is not there"
    dev.d/bench-large --folder "$large" --rounds "$rounds" --seconds "$seconds" --holdfast "$holdfast" --out "$work/large.jsonl" >&2
    cat "$work/large.jsonl" >>"$results"
    large_from='`dev.d/bench-large` in this session'
  elif [[ -f $kept && -z $quick ]]; then
    cat "$kept" >>"$results"
    large_from="\`dev.d/bench-large\` of $(date -u -r "$kept" +%Y-%m-%d)"
  else
    say "large isn't measured: --large FOLDER does it"
  fi
}
