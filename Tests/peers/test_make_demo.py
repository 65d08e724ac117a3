"""The first command of the README, as a person types it."""

import os
import signal
import subprocess

import pytest
import requests

import programs

BUILD_SECONDS = 900


@pytest.mark.skipif("MILLRACE_BIN_DIR" in os.environ, reason="another build is under test than make's")
def test_make_demo_starts_and_ends_with_control_c(tmp_path):
    data = tmp_path / "demo-data"
    with open(tmp_path / "out", "wb") as out:
        make = subprocess.Popen(
            ["make", "demo", "PORT=0", f"DATA={data}"], cwd=programs.ROOT, stdin=subprocess.DEVNULL, stdout=out,
            stderr=subprocess.STDOUT, start_new_session=True)
    said = lambda: (tmp_path / "out").read_text()[-4000:]
    try:
        def started():
            assert make.poll() is None, said()
            return programs.read_document(data / "demo.json")
        demo = programs.until(started, BUILD_SECONDS, every=0.1, what="the demo's start")
        page = requests.get(demo["page_url"], timeout=programs.CALL_SECONDS)
        assert page.status_code == 200 and "<title>" in page.text
        assert len(demo["customers"]) == 3
        assert demo["page_url"] in said(), "the address to open is printed"
    finally:
        # As a terminal does: to everybody in it.
        os.killpg(make.pid, signal.SIGINT)
        make.wait(programs.STOP_SECONDS)
    with pytest.raises(requests.ConnectionError):
        requests.get(demo["page_url"], timeout=programs.CALL_SECONDS)
