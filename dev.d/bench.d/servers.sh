# Servers of a session: their configurations, and how they start and end. For dev.d/bench.
declare -A pids=() ports=()
tls_suite=''

# A port that nothing listens on, and that this session hasn't given out yet.
free_port() {
  local port
  while :; do
    port=$((20000 + RANDOM % 12000))
    [[ " ${ports[*]} " == *" $port "* ]] && continue
    (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || { echo "$port"; return; }
  done
}

url() { [[ $1 == *-tls ]] && echo "https://127.0.0.1:${ports[$1]}" || echo "http://127.0.0.1:${ports[$1]}"; }

make_credentials() {
  echo bench-password >"$work/password"
  htpasswd -nbB -C 5 bench bench-password 2>/dev/null | head -1 >"$work/htpasswd"
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1 \
    -keyout "$work/key.pem" -out "$work/certificate.pem" 2>"$work/openssl.log" || die "no certificate: $(tail -1 "$work/openssl.log")"
}

# launch NAME URL-PATH COMMAND...: starts a server and waits for its first answer.
launch() {
  local name=$1 path=$2; shift 2
  "$@" >"$work/$name.log" 2>&1 &
  pids[$name]=$!
  for _ in $(seq 200); do
    kill -0 "${pids[$name]}" 2>/dev/null || break
    [[ $(curl -s -o /dev/null -w '%{http_code}' "$(url "$name")$path") =~ ^(200|401)$ ]] && return
    sleep 0.05
  done
  tail -5 "$work/$name.log" >&2
  die "$name did not start"
}

# end NAME: stops it and keeps its data, so that it can start again.
end() {
  local name=$1
  [[ -n ${pids[$name]:-} ]] || return 0
  kill "${pids[$name]}" 2>/dev/null || true
  wait "${pids[$name]}" 2>/dev/null || true
  unset "pids[$name]" "pids[$name-tls]"
}

stop() {
  local name
  for name; do
    end "$name"
    rm -rf "${work:?}/$name"
  done
}

finish() {
  local name pid
  for pid in "${helpers[@]}"; do kill "$pid" 2>/dev/null || true; done
  for name in "${!pids[@]}"; do end "$name"; done
  rm -rf "$work"
}

# holdfast_command NAME [FEATURE]: what to run, one word a line; without a feature it needs no file at all.
#   tls: a second listener with TLS · upkeep: collection and scrub never rest · quiet: they do nothing
holdfast_command() {
  local name=$1 feature=${2:-} auth=none
  [[ $name != *-users ]] || auth="{ htpasswd: $work/htpasswd, anonymous: [] }"
  printf '%s\n' "$holdfast" serve --data "$work/$name/data"
  if [[ $feature$auth == none ]]; then
    printf '%s\n' --listen "$(url "$name")"
    return
  fi
  {
    echo "listeners:"
    echo "  - { url: \"$(url "$name")\", registry: private }"
    [[ $feature != tls ]] || echo "  - { url: \"$(url "$name-tls")\", registry: private, tls: { certificate: $work/certificate.pem, key: $work/key.pem } }"
    echo "registries: { private: { kind: hosted, auth: $auth } }"
    case $feature in
      upkeep) printf '%s\n' 'collection: { grace: 0s, lease: 10s, interval: 1s }' 'trash: { keep: 0s }' 'scrub: { sweep: 1s }' ;;
      quiet) printf '%s\n' 'collection: { grace: 1h, lease: 10s, interval: 1d }' 'trash: { keep: 0s }' 'scrub: { sweep: 1d, period: 365d }' ;;
    esac
  } >"$work/$name/holdfast.yaml"
  printf '%s\n' --config "$work/$name/holdfast.yaml"
}

# docker-registry at its best: no access log, no health checks, no redis. It never syncs what it writes.
docker_registry_config() {
  local name=$1
  cat <<YAML
version: 0.1
log: { level: error, accesslog: { disabled: true } }
storage: { filesystem: { rootdirectory: $work/$name/data }, delete: { enabled: true } }
http: { addr: "127.0.0.1:${ports[$name]}" }
YAML
  [[ $name != *-users ]] || echo "auth: { htpasswd: { realm: bench, path: $work/htpasswd } }"
}

nginx_config() {
  local root="root $work/nginx/www;"
  cat <<CONF
daemon off;
pid $work/nginx/pid;
error_log $work/nginx/error.log;
worker_processes auto;
$([[ $EUID != 0 ]] || echo "user root;")
events { worker_connections 1024; }
http {
  access_log off;
  sendfile on;
  tcp_nopush on;
  keepalive_requests 1000000000;
  client_body_temp_path $work/nginx/t1;
  proxy_temp_path $work/nginx/t2;
  fastcgi_temp_path $work/nginx/t3;
  uwsgi_temp_path $work/nginx/t4;
  scgi_temp_path $work/nginx/t5;
  server { listen 127.0.0.1:${ports[nginx]}; $root }
$([[ ${1:-} != tls ]] || echo "  server { listen 127.0.0.1:${ports[nginx-tls]} ssl; ssl_protocols TLSv1.3; ssl_certificate $work/certificate.pem; ssl_certificate_key $work/key.pem; $root }")
}
CONF
}

# start NAME [FEATURE]: the kind of server is the beginning of its name. With tls, NAME-tls is the same process at another port.
start() {
  local name=$1 feature=${2:-} command
  ports[$name]=$(free_port)
  [[ $feature != tls ]] || ports[$name-tls]=$(free_port)
  mkdir -p "$work/$name/data"
  case $name in
    holdfast*)
      mapfile -t command < <(holdfast_command "$name" "$feature")
      launch "$name" /v2/ "${command[@]}" ;;
    docker-registry*)
      docker_registry_config "$name" >"$work/$name/config.yml"
      launch "$name" /v2/ "${registry_programs[${name%-users}]}" serve "$work/$name/config.yml" ;;
    nginx)
      mkdir -p "$work/nginx/www"; echo ready >"$work/nginx/www/ready"
      nginx_config "$feature" >"$work/nginx/nginx.conf"
      launch nginx /ready nginx -p "$work/nginx" -e "$work/nginx/error.log" -c "$work/nginx/nginx.conf" ;;
  esac
  [[ $feature != tls ]] || pids[$name-tls]=${pids[$name]}
}

# suite_of NAME: the protocol and cipher suite that it and OpenSSL's defaults agree on; the generator's are the same library's.
suite_of() {
  openssl s_client -connect "127.0.0.1:${ports[$1]}" -CAfile "$work/certificate.pem" </dev/null 2>/dev/null | sed -n 's/^New, \([^,]*\), Cipher is /\1 /p'
}
