import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMillrace, MillraceError, REPLAY_ALL, REPLAY_NEW } from '../millrace.js';
import { CASES, caseEvent, FakeClock, FakePage, FakeServer, jwt, settle } from './fakes.mjs';

/** A client and the world around it. */
function world(options = {}) {
    const clock = new FakeClock();
    const server = new FakeServer();
    const page = new FakePage();
    const states = [];
    const errors = [];
    const client = createMillrace({
        url: 'wss://events.example/push', token: 'token-1', WebSocket: server.WebSocket, clock, page,
        onState: (state, detail) => states.push([state, detail]), ...options,
    });
    client.onError((error) => errors.push(error));
    return { clock, server, page, client, states, errors };
}

/** The same with one subscription that stands. */
async function subscribedWorld(options = {}, subscribeOptions = {}, replay = REPLAY_NEW) {
    const all = world(options);
    const seen = [];
    const promise = all.client.subscribe(CASES, replay, (message) => seen.push(message), subscribeOptions);
    await settle();
    all.server.socket.welcome();
    all.server.socket.answer({ replayId: 100 });
    return { ...all, seen, subscription: await promise };
}

test('nothing is opened before the first subscription', () => {
    const { server, client } = world();
    assert.equal(server.sockets.length, 0);
    assert.equal(client.state, 'idle');
});

test('the token is the first message, the subscription follows the welcome', async () => {
    const { server, client, states } = world();
    const promise = client.subscribe(CASES, -1, () => {}, { where: "Status = 'New'", form: 'record', slow: 'conflate' });
    const socket = server.socket;
    assert.deepEqual([socket.url, socket.protocols], ['wss://events.example/push', ['millrace.v1']]);
    socket.accept();
    assert.deepEqual(socket.sent, [{ type: 'authenticate', token: 'token-1' }]);
    socket.say({ type: 'welcome', heartbeat: 25 });
    const { id, ...request } = socket.last('subscribe');
    assert.deepEqual(request, {
        type: 'subscribe', channel: CASES, replay: -1, where: "Status = 'New'", form: 'record', slow: 'conflate',
    });
    socket.say({ type: 'subscribed', id, channel: CASES, replayId: 7 });
    const subscription = await promise;
    assert.equal(subscription.channel, CASES);
    assert.equal(subscription.replayId, 7);
    assert.deepEqual(states.map(([state]) => state), ['connecting', 'open']);
});

test('the callback gets the shape of empApi', async () => {
    const { server, seen } = await subscribedWorld();
    server.socket.say(caseEvent(101, ['500A'], { Status: 'Closed' }));
    assert.deepEqual(seen, [{ channel: CASES, data: caseEvent(101, ['500A'], { Status: 'Closed' }).data }]);
});

test('an error of the subscription rejects its promise and leaves the connection', async () => {
    const { server, client } = world();
    const refused = client.subscribe(CASES, -1, () => {}, { where: 'Status =' });
    server.socket.welcome();
    const { id } = server.socket.last('subscribe');
    server.socket.say({ type: 'error', id, code: 'invalid_where', message: 'value expected', position: 8 });
    await assert.rejects(refused, (error) => {
        assert.ok(error instanceof MillraceError);
        assert.deepEqual([error.code, error.message, error.position, error.channel], ['invalid_where', 'value expected', 8, CASES]);
        return true;
    });
    assert.equal(client.state, 'open');
    const again = client.subscribe(CASES, -1, () => {});
    server.socket.answer();
    await again;
});

test('a second subscription to a channel is refused, nothing is replaced', async () => {
    const { client, server, seen } = await subscribedWorld();
    await assert.rejects(client.subscribe(CASES, -1, () => {}), { code: 'already_subscribed' });
    server.socket.say(caseEvent(101, ['500A']));
    assert.equal(seen.length, 1);
});

test('unsubscribe tells the server, answers as empApi does, and what is still on its way is dropped', async () => {
    const { client, server, seen, subscription } = await subscribedWorld();
    const answers = [];
    const answer = await client.unsubscribe(subscription, (value) => answers.push(value));
    assert.deepEqual(answer, { channel: '/meta/unsubscribe', subscription: CASES, successful: true });
    assert.deepEqual(answers, [answer]);
    assert.equal(server.socket.last('unsubscribe').channel, CASES);
    server.socket.say(caseEvent(101, ['500A']));
    assert.deepEqual(seen, []);
    assert.equal((await client.unsubscribe(subscription)).successful, false);
});

test('a subscription given up before its answer rejects', async () => {
    const { client, server } = world();
    const promise = client.subscribe(CASES, -1, (message, subscription) => client.unsubscribe(subscription));
    server.socket.welcome();
    server.socket.say(caseEvent(101, ['500A']));
    await assert.rejects(promise, { code: 'unsubscribed' });
});

test('a new subscription to a channel does not take what was meant for the old one', async () => {
    const { client, server, subscription } = await subscribedWorld();
    for (const answer of [{ type: 'unsubscribed' }, { type: 'error', code: 'not_subscribed', message: 'none' }]) {
        client.unsubscribe(client.current ?? subscription);
        const seen = [];
        const promise = client.subscribe(CASES, -2, (message) => seen.push(message.data.event.replayId));
        server.socket.say(caseEvent(500, ['500A']));
        server.socket.say({ ...answer, id: server.socket.last('unsubscribe').id });
        server.socket.say(caseEvent(1, ['500A']));
        server.socket.answer();
        client.current = await promise;
        assert.deepEqual(seen, [1]);
        assert.equal(client.current.replayId, 1);
    }
});

test('a subscription that a new token takes away is reported, and not resumed', async () => {
    const { clock, client, server, errors } = await subscribedWorld();
    server.socket.say({ type: 'error', code: 'forbidden_channel', message: 'no entry', channel: CASES });
    assert.deepEqual(errors.map((error) => [error.code, error.channel]), [['forbidden_channel', CASES]]);
    server.socket.drop();
    await clock.advance(5_000);
    server.socket.welcome();
    assert.equal(server.socket.sentOf('subscribe').length, 0);
    assert.equal(client.state, 'open');
});

test('event, left, gap and checkpoint each move the place from which a new connection goes on', async () => {
    const left = [];
    const gaps = [];
    const checkpoints = [];
    const { clock, server, seen, subscription } = await subscribedWorld({}, {
        onLeft: (message) => left.push(message), onGap: (gap) => gaps.push(gap), onCheckpoint: (place) => checkpoints.push(place),
    });
    const resumeAfter = async (message) => {
        server.socket.say(message);
        server.socket.drop();
        await clock.advance(5_000);
        server.socket.welcome();
        server.socket.answer({ replayId: 999 });
        return server.socket.last('subscribe').replay;
    };
    assert.equal(await resumeAfter(caseEvent(101, ['500A'])), 101);
    assert.equal(await resumeAfter(caseEvent(102, ['500A'], {}, 'left')), 102);
    assert.equal(await resumeAfter({ type: 'gap', channel: CASES, reason: 'expired', replayId: 150 }), 150);
    assert.equal(await resumeAfter({ type: 'checkpoint', channel: CASES, replayId: '0xff' }), '0xff');
    assert.equal(subscription.replayId, '0xff');
    assert.equal(seen.length, 1);
    assert.deepEqual(left[0].data.event, { replayId: 102 });
    assert.deepEqual(gaps.map((gap) => gap.reason), ['expired']);
    assert.equal(checkpoints.length, 1);
});

test('a connection lost before the first event resumes from where the subscription stood, not from now', async () => {
    const { clock, server } = await subscribedWorld();
    server.socket.drop();
    await clock.advance(5_000);
    server.socket.welcome();
    assert.equal(server.socket.last('subscribe').replay, 100);
});

test('a replay of everything that is cut before its first event begins again at the beginning', async () => {
    const { clock, server } = await subscribedWorld({}, {}, REPLAY_ALL);
    server.socket.drop();
    await clock.advance(5_000);
    server.socket.welcome();
    assert.equal(server.socket.last('subscribe').replay, -2);
});

test('what comes twice is dropped by replay id and record id', async () => {
    const { clock, server, seen } = await subscribedWorld();
    server.socket.say(caseEvent(101, ['500A']));
    server.socket.say(caseEvent(101, ['500B'])); // An enriched event repeats its replay id.
    server.socket.drop();
    await clock.advance(5_000);
    server.socket.welcome();
    server.socket.answer();
    server.socket.say(caseEvent(101, ['500A']));
    server.socket.say(caseEvent(101, ['500B']));
    server.socket.say(caseEvent(102, ['500A']));
    assert.deepEqual(seen.map((message) => [message.data.event.replayId, message.data.payload.ChangeEventHeader.recordIds[0]]),
        [[101, '500A'], [101, '500B'], [102, '500A']]);
});

test('a merged event counts as known only when all of its records are', async () => {
    const { server, seen } = await subscribedWorld();
    server.socket.say(caseEvent(101, ['500A']));
    server.socket.say(caseEvent(101, ['500A', '500B']));
    server.socket.say(caseEvent(101, ['500A', '500B']));
    assert.equal(seen.length, 2);
});

test('events without record ids are told apart by their EventUuid', async () => {
    const { server, seen } = await subscribedWorld();
    const platformEvent = (uuid) => ({
        type: 'event', channel: CASES, data: { schema: 's', payload: {}, event: { replayId: 101, EventUuid: uuid } },
    });
    server.socket.say(platformEvent('a'));
    server.socket.say(platformEvent('b'));
    server.socket.say(platformEvent('a'));
    assert.equal(seen.length, 2);
});

test('the memory of what was handled is bounded', async () => {
    const { server, seen } = await subscribedWorld({ rememberedMax: 3 });
    for (const replayId of [1, 2, 3, 4, 2, 1]) server.socket.say(caseEvent(replayId, ['500A']));
    assert.deepEqual(seen.map((message) => message.data.event.replayId), [1, 2, 3, 4, 1]);
});

test('retries wait a random part of a delay that doubles up to its bound', async () => {
    const { clock, server, states } = await subscribedWorld();
    clock.chance = 1;
    server.socket.drop();
    const waits = () => states.filter(([state]) => state === 'waiting').map(([, detail]) => detail.retryInMs);
    for (let failure = 0; failure < 8; failure += 1) {
        await clock.advance(waits().at(-1));
        server.socket.drop();
    }
    assert.deepEqual(waits(), [500, 1000, 2000, 4000, 8000, 16000, 30000, 30000, 30000]);
    clock.chance = 0;
    await clock.advance(30_000);
    server.socket.drop();
    assert.equal(waits().at(-1), 0);
});

test('only a connection that lasted resets the delay', async () => {
    const { clock, server, states } = await subscribedWorld();
    clock.chance = 1;
    const last = () => states.filter(([state]) => state === 'waiting').at(-1)[1];
    for (const expected of [500, 1000, 2000]) { // Welcomed each time, and cut at once.
        server.socket.drop();
        assert.equal(last().retryInMs, expected);
        await clock.advance(expected);
        server.socket.welcome();
    }
    await clock.advance(5_000);
    server.socket.drop();
    assert.equal(last().retryInMs, 500);
});

test('going away says when to come back', async () => {
    const { clock, server, states } = await subscribedWorld();
    clock.chance = 0;
    server.socket.drop(1001, 'draining retry-after-ms=4200');
    assert.deepEqual(states.at(-1), ['waiting', { reason: 'draining retry-after-ms=4200', code: 1001, attempt: 1, retryInMs: 4200 }]);
    await clock.advance(4_199);
    assert.equal(server.sockets.length, 1);
    await clock.advance(1);
    assert.equal(server.sockets.length, 2);
});

test('too many requests waits its time', async () => {
    const { clock, server, states } = await subscribedWorld();
    clock.chance = 0;
    server.socket.drop(4429, '');
    assert.equal(states.at(-1)[1].retryInMs, 5_000);
});

test('too slow is reported and resumed', async () => {
    const { clock, server, errors } = await subscribedWorld();
    server.socket.say(caseEvent(101, ['500A']));
    server.socket.drop(4408);
    assert.deepEqual(errors.map((error) => error.code), ['too_slow']);
    await clock.advance(5_000);
    server.socket.welcome();
    assert.equal(server.socket.last('subscribe').replay, 101);
});

for (const [code, name] of [[4403, 'forbidden'], [1008, 'protocol_misuse'], [1009, 'message_too_big']]) {
    test(`close code ${code} is permanent`, async () => {
        const { clock, server, client, errors, states } = world();
        const promise = client.subscribe(CASES, -1, () => {});
        server.socket.accept();
        server.socket.drop(code, '');
        await assert.rejects(promise, { code: name });
        await clock.advance(3_600_000);
        assert.equal(server.sockets.length, 1);
        assert.equal(client.state, 'closed');
        assert.deepEqual(errors.map((error) => [error.code, error.closeCode]), [[name, code]]);
        assert.equal(states.at(-1)[1].error.code, name);
        await assert.rejects(client.subscribe(CASES, -1, () => {}), { code: 'closed' });
    });
}

test('4401 without a token provider is permanent', async () => {
    const { client, server } = world();
    const promise = client.subscribe(CASES, -1, () => {});
    server.socket.accept();
    server.socket.drop(4401, 'expired');
    await assert.rejects(promise, { code: 'unauthenticated', message: 'expired' });
    assert.equal(client.state, 'closed');
});

test('4401 after a working connection fetches a fresh token at once and resumes', async () => {
    let count = 0;
    const tokenProvider = async () => `fresh-${count += 1}`;
    const { clock, server } = await subscribedWorld({ tokenProvider });
    server.socket.say(caseEvent(101, ['500A']));
    await clock.advance(10_000);
    server.socket.drop(4401, 'expired');
    await clock.advance(0);
    server.socket.welcome();
    assert.equal(server.socket.last('authenticate').token, 'fresh-1');
    assert.equal(server.socket.last('subscribe').replay, 101);
});

test('a token that is refused again and again is asked for with growing delays', async () => {
    let count = 0;
    const { clock, server, client, states } = world({ token: undefined, tokenProvider: () => `t-${count += 1}` });
    clock.chance = 1;
    client.subscribe(CASES, -1, () => {}).catch(() => {});
    for (let refusal = 0; refusal < 3; refusal += 1) {
        await settle();
        server.socket.accept();
        server.socket.drop(4401, 'revoked');
        await clock.advance(states.at(-1)[1].retryInMs);
    }
    assert.deepEqual(states.filter(([state]) => state === 'waiting').map(([, detail]) => detail.retryInMs), [500, 1000, 2000]);
    assert.equal(count, 4);
});

test('a working token is used again by the next connection', async () => {
    let count = 0;
    const { clock, server } = await subscribedWorld({ tokenProvider: () => `t-${count += 1}` });
    server.socket.drop();
    await clock.advance(1_000);
    server.socket.accept();
    assert.equal(server.socket.last('authenticate').token, 'token-1');
    assert.equal(count, 0);
});

test('a token whose time is over is not even tried', async () => {
    const token = jwt({ exp: 1_000 }); // The fake clock starts at 1,000 seconds.
    const { server, client } = world({ token, tokenProvider: async () => 'fresh' });
    client.subscribe(CASES, -1, () => {}).catch(() => {});
    await settle();
    server.socket.accept();
    assert.equal(server.socket.last('authenticate').token, 'fresh');
});

test('a fresh token is sent before the old one ends, on the same connection', async () => {
    const lives = [];
    const tokenProvider = async () => {
        const now = clock.now() / 1000;
        lives.push(now);
        return jwt({ iat: now, exp: now + 600 });
    };
    const { clock, server, client } = world({ token: undefined, tokenProvider });
    client.subscribe(CASES, -1, () => {}).catch(() => {});
    await settle();
    server.socket.welcome(100_000);
    server.socket.answer();
    await clock.advance(539_999);
    assert.equal(lives.length, 1);
    await clock.advance(1); // 60 seconds before its end.
    assert.equal(server.socket.sentOf('authenticate').length, 2);
    await clock.advance(540_000);
    assert.equal(server.socket.sentOf('authenticate').length, 3);
    assert.equal(server.sockets.length, 1);
});

test('a provider that fails is reported and asked again, while connecting and while renewing', async () => {
    let fails = true;
    const tokenProvider = async () => {
        if (fails) throw new Error('portal is down');
        const now = clock.now() / 1000;
        return jwt({ iat: now, exp: now + 100 });
    };
    const { clock, server, client, errors } = world({ token: undefined, tokenProvider });
    client.subscribe(CASES, -1, () => {}).catch(() => {});
    await settle();
    assert.equal(server.sockets.length, 0);
    assert.equal(client.state, 'waiting');
    assert.equal(errors[0].code, 'token_provider_failed');
    assert.match(errors[0].message, /portal is down/);
    fails = false;
    await clock.advance(500);
    server.socket.welcome(100_000);
    server.socket.answer();
    fails = true;
    await clock.advance(80_000);
    assert.equal(errors.length, 2);
    fails = false;
    await clock.advance(2_000);
    assert.equal(server.socket.sentOf('authenticate').length, 2);
    assert.equal(server.sockets.length, 1);
});

test('a provider that never answers is given up', async () => {
    const { clock, client, states } = world({ token: undefined, tokenProvider: () => new Promise(() => {}) });
    client.subscribe(CASES, -1, () => {}).catch(() => {});
    await clock.advance(15_000);
    assert.deepEqual(states.map(([state]) => state), ['connecting', 'waiting']);
});

test('silence is asked with a ping, and 2.5 heartbeats of it end the connection', async () => {
    const { clock, server } = await subscribedWorld();
    await clock.advance(24_999);
    assert.equal(server.socket.sentOf('ping').length, 0);
    await clock.advance(1);
    assert.equal(server.socket.sentOf('ping').length, 1);
    server.socket.say({ type: 'pong' });
    await clock.advance(25_000 + 12_500);
    assert.equal(server.socket.sentOf('ping').length, 2);
    await clock.advance(24_999 + 12_500 - 12_500);
    assert.equal(server.sockets.length, 1);
    const silent = server.socket;
    await clock.advance(60_000);
    assert.equal(silent.closedWith, 1000);
    assert.ok(server.sockets.length > 1);
});

test('any message keeps the connection alive', async () => {
    const { clock, server } = await subscribedWorld();
    for (let second = 0; second < 300; second += 20) {
        await clock.advance(20_000);
        server.socket.say({ type: 'checkpoint', channel: CASES, replayId: second });
    }
    assert.equal(server.sockets.length, 1);
    assert.equal(server.socket.sentOf('ping').length, 0);
});

test('a page that slept pings before it judges', async () => {
    const { clock, server } = await subscribedWorld();
    clock.time += 3_600_000; // The timers stood still with the page.
    await clock.advance(0);
    assert.equal(server.sockets.length, 1);
    assert.equal(server.socket.sentOf('ping').length, 1);
    server.socket.say({ type: 'pong' });
    await clock.advance(37_500);
    assert.equal(server.sockets.length, 1);
});

test('no welcome in time is a failure', async () => {
    const { clock, server, client } = world();
    client.subscribe(CASES, -1, () => {}).catch(() => {});
    server.socket.accept();
    await clock.advance(15_000 + 500);
    assert.equal(server.sockets.length, 2);
});

test('no answer to a subscribe is a failure of the connection; the promise waits for the next one', async () => {
    const { clock, server, client } = world();
    const promise = client.subscribe(CASES, -1, () => {});
    server.socket.welcome(1_000);
    await clock.advance(30_000 + 500);
    assert.equal(server.sockets.length, 2);
    server.socket.welcome();
    server.socket.answer();
    await promise;
});

test('the network coming back ends the waiting', async () => {
    const { server, page, client } = await subscribedWorld();
    server.socket.drop();
    assert.equal(client.state, 'waiting');
    page.dispatchEvent(new Event('online'));
    assert.equal(server.sockets.length, 2);
    assert.equal(client.state, 'connecting');
});

test('a page looked at again finds out at once whether its connection survived', async () => {
    const { clock, server, page } = await subscribedWorld();
    page.document.dispatchEvent(new Event('visibilitychange'));
    page.document.dispatchEvent(new Event('visibilitychange'));
    assert.equal(server.socket.sentOf('ping').length, 1);
    server.socket.say({ type: 'pong' });
    await clock.advance(5_000);
    assert.equal(server.sockets.length, 1);
    page.document.dispatchEvent(new Event('visibilitychange'));
    await clock.advance(5_000 + 500);
    assert.equal(server.sockets.length, 2);
    page.document.visibilityState = 'hidden';
    server.socket.welcome();
    page.document.dispatchEvent(new Event('visibilitychange'));
    assert.equal(server.socket.sentOf('ping').length, 0);
});

test('what an abandoned socket still says is not heard', async () => {
    const { clock, server, seen } = await subscribedWorld();
    const old = server.socket;
    old.drop();
    await clock.advance(500);
    old.say(caseEvent(101, ['500A']));
    old.drop(4403);
    assert.deepEqual(seen, []);
    assert.equal(server.sockets.length, 2);
});

test('a message that is not JSON is reported, and a new connection brings what it may have held', async () => {
    const { clock, server, errors } = await subscribedWorld();
    server.socket.say('{"type":"ev');
    assert.deepEqual(errors.map((error) => error.code), ['bad_message']);
    await clock.advance(500);
    server.socket.welcome();
    assert.equal(server.socket.last('subscribe').replay, 100);
});

test('a callback that throws is reported; the events go on', async () => {
    const { client, server, errors } = world();
    const seen = [];
    const promise = client.subscribe(CASES, -1, (message) => {
        seen.push(message.data.event.replayId);
        if (seen.length === 1) throw new Error('bug in the page');
    });
    server.socket.welcome();
    server.socket.answer();
    await promise;
    server.socket.say(caseEvent(1, ['500A']));
    server.socket.say(caseEvent(2, ['500A']));
    assert.deepEqual(seen, [1, 2]);
    assert.equal(errors[0].code, 'callback_failed');
    assert.equal(errors[0].cause.message, 'bug in the page');
});

test('a subscription refused when it was to be resumed is reported, the others go on', async () => {
    const { clock, client, server, errors } = await subscribedWorld();
    const other = client.subscribe('/data/ContactChangeEvent', -1, () => {});
    server.socket.answer();
    await other;
    server.socket.drop();
    await clock.advance(500);
    server.socket.welcome();
    const [first, second] = server.socket.sentOf('subscribe');
    server.socket.say({ type: 'error', id: first.id, code: 'forbidden_channel', message: 'no longer allowed' });
    server.socket.say({ type: 'subscribed', id: second.id, channel: second.channel });
    assert.deepEqual(errors.map((error) => [error.code, error.channel]), [['forbidden_channel', CASES]]);
    assert.equal(client.state, 'open');
});

test('a server that does not choose the subprotocol is not Millrace', async () => {
    const { client, server } = world();
    server.protocol = '';
    const promise = client.subscribe(CASES, -1, () => {});
    server.socket.accept();
    await assert.rejects(promise, { code: 'not_millrace' });
    assert.deepEqual(server.socket.sent, []);
});

test('an address that cannot be opened is a permanent error', async () => {
    const { client } = world({ url: 'bad://' });
    await assert.rejects(client.subscribe(CASES, -1, () => {}), { code: 'connection_refused' });
});

test('close ends everything without an error', async () => {
    const { clock, client, server, page, errors } = await subscribedWorld();
    const pending = client.subscribe('/data/ContactChangeEvent', -1, () => {});
    client.close();
    await assert.rejects(pending, { code: 'closed' });
    assert.equal(server.socket.closedWith, 1000);
    assert.deepEqual(errors, []);
    assert.deepEqual(clock.timers, []);
    page.dispatchEvent(new Event('online'));
    await clock.advance(3_600_000);
    assert.equal(server.sockets.length, 1);
});

test('close from within the state callback holds', async () => {
    for (const state of ['connecting', 'open', 'waiting']) {
        const { clock, client, server } = world({ onState: (now) => { if (now === state) client.close(); } });
        client.subscribe(CASES, -1, () => {}).catch(() => {});
        server.socket?.welcome();
        server.socket?.drop();
        await clock.advance(60_000);
        assert.equal(client.state, 'closed');
        assert.ok(server.sockets.length <= 1);
        assert.deepEqual(clock.timers, []);
    }
});

test('wrong use is told at once', async () => {
    assert.throws(() => createMillrace({ token: 't' }), { code: 'invalid_option' });
    assert.throws(() => createMillrace({ url: 'wss://x' }), { code: 'invalid_option' });
    const { client } = world();
    await assert.rejects(client.subscribe(CASES, -1), { code: 'invalid_option' });
    assert.equal(await client.isEmpEnabled(), true);
    assert.equal(await world({ WebSocket: undefined }).client.isEmpEnabled(), false);
});

test('the debug output never holds the token', async (context) => {
    const debug = context.mock.method(console, 'debug', () => {});
    const { client, server } = world({ token: 'very-secret' });
    client.setDebugFlag(true);
    client.subscribe(CASES, -1, () => {}).catch(() => {});
    server.socket.welcome();
    assert.ok(debug.mock.callCount() > 0);
    assert.ok(!JSON.stringify(debug.mock.calls.map((call) => call.arguments)).includes('very-secret'));
});
