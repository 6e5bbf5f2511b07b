# Pages of long lists against those of short ones. For dev.d/bench.

# Two servers, as a catalogue is the whole registry's: one with a page's entries and one with many.
pages_figure() {
  local round name list
  for name in holdfast-few holdfast-many; do
    start "$name"
    say "prepare $name: $(entries_of "$name") tags and repositories"
    prepare "$name" --workload tags,catalog --seed 3 --entries "$(entries_of "$name")"
  done
  settle
  for round in $(seq "$rounds"); do
    for list in tags catalog; do
      for name in $(in_turn "$round" holdfast-few holdfast-many); do
        measure "many-$list" "$name" "$round" --workload "$list" --seed 3 --entries "$(entries_of "$name")" --connections 4 --duration "${seconds}s" --warmup "$warmup"
      done
    done
  done
  stop holdfast-few holdfast-many
}

entries_of() { [[ $1 == *-few ]] && echo 100 || echo "$entries"; }
