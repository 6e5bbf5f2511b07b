# Taking and keeping figures. For dev.d/bench.
helpers=()

# ask NAME SERVER OPTIONS...: holdfast bench with what SERVER wants to be asked with.
ask() {
  local name=$1 server=$2 access=(); shift 2
  case $server in
    *-users) access=(--user bench --password-file "$work/password") ;;
    *-tls) access=(--ca "$work/certificate.pem") ;;
  esac
  "${bench[@]}" "$name=$(url "$server")" "${access[@]}" "$@" --json 2>>"$work/generator.log"
}

# measure FIGURE NAME[=SERVER] ROUND OPTIONS...: one call of holdfast bench, kept under NAME; failed requests are recorded, not fatal.
measure() {
  local figure=$1 name=${2%%=*} server=${2##*=} round=$3 command report; shift 3
  case $server in
    *-users) command="holdfast bench URL $* --user NAME --password-file FILE" ;;
    *-tls) command="holdfast bench https://URL $* --ca FILE" ;;
    *) command="holdfast bench URL $*" ;;
  esac
  say "round $round $figure $name"
  report=$(ask "$name" "$server" --pid "${pids[$server]}" "$@") || (($? == 1)) ||
    { tail -3 "$work/generator.log" >&2; note_failure "$figure" "$name" "$round"; return; }
  printf '{"figure":"%s","round":%d,"command":"%s","bench":%s}\n' "$figure" "$round" "$command" "$(tr -d '\n' <<<"$report")" >>"$results"
}

# record FIGURE NAME ROUND METRICS [COMMAND]: what something else measured; METRICS are the members of a JSON object.
record() {
  printf '{"figure":"%s","server":"%s","round":%d,"errors":0,"metrics":{%s}%s}\n' "$1" "$2" "$3" "$4" "${5:+,\"command\":\"$5\"}" >>"$results"
}

note_failure() { printf '{"figure":"%s","server":"%s","round":%d,"errors":1,"metrics":{}}\n' "$@" >>"$results"; }

# run_timed COMMAND...: seconds, user and system CPU seconds of it.
run_timed() {
  local TIMEFORMAT='%R %U %S'
  { time "$@" >/dev/null 2>&1; } 2>&1
}

# record_bytes FIGURE NAME ROUND BYTES "SECONDS USER SYSTEM" COMMAND: as one request, like that of a single push.
record_bytes() {
  local metrics
  metrics=$(awk -v bytes="$4" '{ printf "\"bytesPerSecond\":%.0f,\"serverCpuSeconds\":%.3f,\"requestsPerSecond\":%.4f,\"p50Milliseconds\":%.0f,\"p99Milliseconds\":%.0f", bytes / $1, $2 + $3, 1 / $1, $1 * 1000, $1 * 1000 }' <<<"$5")
  record "$1" "$2" "$3" "$metrics" "$6"
}

# prepare SERVER OPTIONS...: the same as measure, for its data alone; one request, unless the options say how many, or how long.
prepare() {
  local server=$1; shift
  [[ " $* " == *' --requests '* || " $* " == *' --duration '* ]] || set -- "$@" --connections 1 --requests 1
  ask "$server" "$server" "$@" >/dev/null ||
    { tail -3 "$work/generator.log" >&2; die "$server could not be prepared"; }
}

# warm SERVER: a server in service has compiled, or at least loaded, what a push needs.
warm() { prepare "$1" --workload push --size 1MB --connections 4 --requests 40; }

# in_turn ROUND NAME...: the names, beginning one further each round, so that none always runs behind the same other.
in_turn() {
  local shift_by=$(((${1} - 1) % ($# - 1))); shift
  printf '%s\n' "${@:shift_by+1}" "${@:1:shift_by}"
}

# What is dirty belongs to the measurement that wrote it, not to the next.
settle() { sync -f "$work"; }
