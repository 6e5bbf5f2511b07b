# From nothing to the first answer, and what memory a server at rest takes. For dev.d/bench.

start_figure() {
  local round name command holdfast=$published
  if [[ ! -x $published ]]; then say "start isn't measured: $published is not there; ./dev publish --program-only makes it"; return; fi
  # The first start ever unpacks what no start needs to unpack again.
  "$published" --version >/dev/null
  for round in $(seq "$rounds"); do
    for name in $(in_turn "$round" holdfast "${registries[@]}"); do
      say "round $round start $name"
      ports[$name]=$(free_port)
      mkdir -p "$work/$name/data"
      case $name in
        holdfast) mapfile -t command < <(holdfast_command holdfast) ;;
        *) docker_registry_config "$name" >"$work/$name/config.yml"; command=("${registry_programs[$name]}" serve "$work/$name/config.yml") ;;
      esac
      measure_start "$name" "$round" "${command[@]}"
    done
  done
}

# From starting the process to its first 200; its memory at rest after that, and after 20 requests more.
measure_start() {
  local name=$1 round=$2 begin finish idle used pid; shift 2
  begin=$EPOCHREALTIME
  "$@" >"$work/$name.log" 2>&1 &
  pids[$name]=$! pid=$!
  if ! until_answer "$pid" "${ports[$name]}"; then note_failure start "$name" "$round"; stop "$name"; return; fi
  finish=$EPOCHREALTIME
  sleep "$rest"; idle=$(resident "$pid")
  for _ in $(seq 20); do until_answer "$pid" "${ports[$name]}"; done
  sleep "$rest"; used=$(resident "$pid")
  record start "$name" "$round" "$(awk -v b="$begin" -v e="$finish" -v i="$idle" -v u="$used" 'BEGIN { printf "\"firstAnswerSeconds\":%.4f,\"idleBytes\":%d,\"usedBytes\":%d", e - b, i, u }')"
  stop "$name"
}

# until_answer PID PORT: waits for the first 200 for /v2/; bash itself asks and waits, as starting a client, or sleep, takes longer than many a start.
until_answer() {
  local line nothing
  exec {nothing}<> <(:)
  while kill -0 "$1" 2>/dev/null; do
    if { exec 3<>"/dev/tcp/127.0.0.1/$2"; } 2>/dev/null; then
      printf 'GET /v2/ HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nConnection: close\r\n\r\n' "$2" >&3
      IFS= read -r -t 5 line <&3 || line=''
      exec 3>&-
      [[ $line == 'HTTP/1.1 200 '* ]] && { exec {nothing}>&-; return; }
    fi
    read -r -t 0.002 -u "$nothing" || true
  done
  exec {nothing}>&-
  return 1
}

resident() { awk '/^VmRSS:/ { print $2 * 1024 }' "/proc/$1/status"; }
