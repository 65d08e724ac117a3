"""What a quiet stream of the real sandbox says: a place that is moved on, good to resume from (trap 7)."""

import queue

import grpc
import pytest

import programs
from pubsub_client import Decoder, Subscription

KEEPALIVE_SECONDS = 1


@pytest.fixture(scope="module")
def quiet(directories):
    org = programs.start_sandbox(directories("keepalive"), [*programs.PORT_OPTIONS, "--keepalive", str(KEEPALIVE_SECONDS)])
    yield org
    org.program.stop()


@pytest.fixture
def pubsub_of_quiet(quiet, stubs):
    address = quiet.connection["grpc_plaintext_address"]
    with grpc.insecure_channel(address, options=[("grpc.enable_http_proxy", 0)]) as channel:
        yield stubs[1].PubSubStub(channel)


def test_trap_07_a_keepalive_moves_the_place_past_other_topics_and_is_good_to_resume_from(quiet, pubsub_of_quiet, stubs):
    contact = quiet.create_contact("Quiet")
    first = quiet.create_case(contact, "before the silence")
    decode = Decoder(pubsub_of_quiet, stubs[0], quiet.metadata)

    def subscribe(**fields):
        return Subscription(pubsub_of_quiet, stubs[0], quiet.metadata, topic_name=programs.CASES, **fields)

    def record_ids(event):
        return decode(event)["ChangeEventHeader"]["recordIds"]

    with subscribe(replay_preset=stubs[0].EARLIEST, num_requested=50) as subscription:
        while True:
            response = subscription.response()
            if response.events and record_ids(response.events[-1]) == [first]:
                break
        place, pending = response.latest_replay_id, response.pending_num_requested
        # An event of another topic: nothing for this stream, but a place in the org's bus.
        other = quiet.create("Account", Name="Elsewhere")
        with Subscription(pubsub_of_quiet, stubs[0], quiet.metadata, topic_name="/data/AccountChangeEvent",
                          replay_preset=stubs[0].EARLIEST, num_requested=100) as accounts:
            while True:
                answer = accounts.response()
                if answer.events and record_ids(answer.events[-1]) == [other]:
                    break
        elsewhere = answer.events[-1].replay_id
        while True:
            keepalive = subscription.response(seconds=KEEPALIVE_SECONDS * 20)
            assert not keepalive.events, "a keepalive brings no event"
            assert keepalive.pending_num_requested == pending > 0, "and uses nothing of what was asked for"
            assert keepalive.rpc_id == response.rpc_id
            assert keepalive.latest_replay_id >= place, "never back"
            if keepalive.latest_replay_id != place:
                break
        assert keepalive.latest_replay_id == elsewhere

    after = quiet.create_case(contact, "after the silence")
    with subscribe(replay_preset=stubs[0].CUSTOM, replay_id=keepalive.latest_replay_id, num_requested=10) as subscription:
        [event] = subscription.events(1)
        assert record_ids(event) == [after], "neither the one before again nor a hole"


def test_who_has_all_that_it_asked_for_gets_no_keepalive(quiet, pubsub_of_quiet, stubs):
    contact = quiet.create_contact("Done")
    quiet.create_case(contact, "the only one")
    with Subscription(pubsub_of_quiet, stubs[0], quiet.metadata, topic_name=programs.CASES,
                      replay_preset=stubs[0].EARLIEST, num_requested=1) as subscription:
        response = subscription.response()
        assert len(response.events) == 1 and response.pending_num_requested == 0
        quiet.create_case(contact, "not asked for")
        with pytest.raises(queue.Empty):
            subscription.response(seconds=KEEPALIVE_SECONDS * 3)


@pytest.mark.parametrize("seconds", ["0", "271", "-5", "x"])
def test_a_silence_that_no_org_keeps_is_refused(seconds, tmp_path):
    done = programs.millrace("sandbox", "--memory", f"--keepalive={seconds}", cwd=tmp_path)
    assert done.returncode == programs.USAGE and "--keepalive" in done.stderr, done.stderr
