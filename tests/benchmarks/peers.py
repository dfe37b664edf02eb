"""What hubd is compared with: haproxy, the bare forwarder, nginx. Each start returns (child, port)."""

import os

from tests.benchmarks.process import Child, free_port, program

HAPROXY = """\
global
    nbthread 1
    maxconn 4096
defaults
    mode http
    timeout connect 5s
    timeout client 75s
    timeout server 75s
frontend partners
    bind 127.0.0.1:{port}
    default_backend platform
backend platform
    http-reuse always
    server platform 127.0.0.1:{backend}
"""

NGINX = """\
{user}daemon off;
worker_processes {workers};
pid {folder}/nginx.pid;
error_log stderr warn;
events {{
    worker_connections 1024;
}}
http {{
    access_log off;
    sendfile on;
    tcp_nopush on;
    open_file_cache max=16;
    keepalive_timeout 75s;
    keepalive_requests 1000000000;
    default_type application/json;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port};
        root {folder}/files;
    }}
}}
"""


def start_haproxy(setup, backend):
    port = free_port()
    config = setup.file("haproxy.cfg", HAPROXY.format(port=port, backend=backend))
    child = Child("haproxy", [program("haproxy"), "-db", "-q", "-f", config], setup.folder)
    child.wait_for_port(port)
    return child, port


def start_forwarder(setup, backend):
    port = free_port()
    child = Child("forwarder", [f"{setup.tools}/forwarder", str(port), f"http://127.0.0.1:{backend}"], setup.folder)
    child.wait_for_port(port)
    return child, port


def start_nginx(setup, page, workers):
    """Serves `page` as /page.json."""
    port = free_port()
    folder = os.path.join(setup.folder, "nginx")
    os.makedirs(f"{folder}/files", exist_ok=True)
    with open(f"{folder}/files/page.json", "wb") as file:
        file.write(page)
    user = "user root;\n" if os.geteuid() == 0 else ""  # the folder is only for its owner
    text = NGINX.format(user=user, workers=workers, folder=folder, port=port)
    config = setup.file("nginx.conf", text)
    child = Child("nginx", [program("nginx"), "-p", folder, "-e", "stderr", "-c", config], setup.folder)
    child.wait_for_port(port)
    return child, port
