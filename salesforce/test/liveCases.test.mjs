import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeClock } from '../../clients/javascript/test/fakes.mjs';
import { LiveCases } from '../force-app/main/default/lwc/caseStatusLive/liveCases.js';

const settle = () => new Promise((resolve) => setImmediate(resolve));

/** The component's world: Apex and millrace.js played by the test. */
function world(overrides = {}) {
    const clock = new FakeClock();
    const seen = { views: [], loads: 0, connects: 0, clients: [] };
    const rows = [{ Id: '500A', CaseNumber: '00001001', Subject: 'Battery', Status: 'New', Priority: 'High', Secret__c: 'x' }];
    class Client {
        constructor(options) {
            this.options = options;
            seen.clients.push(this);
        }
        async subscribe(channel, replayId, callback, options) {
            Object.assign(this, { channel, replayId, callback, subscription: options });
            this.options.onState('open', {});
        }
        close() { this.isClosed = true; }
    }
    const live = new LiveCases({
        clock,
        library: async () => ({ createMillrace: (options) => new Client(options) }),
        connect: async () => ({ url: 'wss://events.example.com/push', channel: '/data/CaseChangeEvent', token: `t${++seen.connects}` }),
        load: async () => {
            seen.loads += 1;
            return rows.map((row) => ({ ...row }));
        },
        onChange: (view) => seen.views.push(view),
        ...overrides,
    });
    return { live, clock, seen, rows, get view() { return seen.views.at(-1); }, get client() { return seen.clients.at(-1); } };
}

const event = (changeType, id, fields = {}) => ({
    data: { payload: { ChangeEventHeader: { changeType, recordIds: [id] }, ...fields }, event: { replayId: 1 } },
});

test('cases are loaded after the subscription stands, and shown by number', async () => {
    const w = world();
    w.rows.push({ Id: '500B', CaseNumber: '00001002', Subject: 'Door', Status: 'Working' });
    await w.live.start();
    assert.equal(w.client.channel, '/data/CaseChangeEvent');
    assert.equal(w.client.replayId, -1);
    assert.equal(w.client.subscription.form, 'record');
    assert.equal(w.view.state, 'live');
    assert.deepEqual(w.view.cases.map((item) => item.CaseNumber), ['00001002', '00001001']);
    assert.equal(w.view.cases[1].Secret__c, undefined, 'only what is shown is kept');
});

test('an update changes a case and marks it for a while; a new one appears; a deleted one goes', async () => {
    const w = world();
    await w.live.start();
    w.client.callback(event('UPDATE', '500A', { Status: 'Escalated' }));
    assert.deepEqual(w.view.cases, [
        { Id: '500A', CaseNumber: '00001001', Subject: 'Battery', Status: 'Escalated', Priority: 'High', isChanged: true },
    ]);
    await w.clock.advance(5_000);
    assert.equal(w.view.cases[0].isChanged, false);
    w.client.callback(event('CREATE', '500B', { CaseNumber: '00001002', Subject: 'Door', Status: 'New' }));
    assert.deepEqual(w.view.cases.map((item) => item.Id), ['500B', '500A']);
    w.client.callback(event('DELETE', '500A'));
    assert.deepEqual(w.view.cases.map((item) => item.Id), ['500B']);
});

test('a field that became empty is shown empty', async () => {
    const w = world();
    await w.live.start();
    w.client.callback(event('UPDATE', '500A', { Subject: null, Status: 'New' }));
    assert.equal(w.view.cases[0].Subject, null);
});

test('a case that left the view is taken away', async () => {
    const w = world();
    await w.live.start();
    w.client.subscription.onLeft(event('UPDATE', '500A'));
    assert.deepEqual(w.view.cases, []);
    assert.equal(w.view.isLoaded, true);
});

test('what comes while the cases are being loaded is applied after them', async () => {
    let answer;
    const w = world({ load: () => new Promise((resolve) => { answer = resolve; }) });
    const started = w.live.start();
    await settle();
    w.client.callback(event('UPDATE', '500A', { Status: 'Closed' }));
    w.client.callback(event('DELETE', '500B'));
    answer([{ Id: '500A', CaseNumber: '1', Status: 'New' }, { Id: '500B', CaseNumber: '2', Status: 'New' }]);
    await started;
    assert.deepEqual(w.view.cases.map((item) => [item.Id, item.Status]), [['500A', 'Closed']]);
});

test('a loss and a gap event load the cases anew', async () => {
    const w = world();
    await w.live.start();
    w.rows[0].Status = 'Closed';
    w.client.subscription.onGap({ reason: 'expired' });
    await settle();
    assert.equal(w.seen.loads, 2);
    assert.equal(w.view.cases[0].Status, 'Closed');
    w.client.callback(event('GAP_UPDATE', '500A'));
    await settle();
    assert.equal(w.seen.loads, 3);
});

test('a loss during a load is loaded after it: that load may have read too early', async () => {
    const answers = [];
    const w = world({ load: () => new Promise((resolve) => answers.push(resolve)) });
    const started = w.live.start();
    await settle();
    w.client.subscription.onGap({ reason: 'upstream' });
    answers[0]([{ Id: '500A', CaseNumber: '1', Status: 'New' }]);
    await settle();
    assert.equal(answers.length, 2);
    answers[1]([{ Id: '500A', CaseNumber: '1', Status: 'Closed' }]);
    await started;
    assert.equal(w.view.cases[0].Status, 'Closed');
});

test('the first token is used once, and a renewal asks for the next', async () => {
    const w = world();
    await w.live.start();
    assert.equal(await w.client.options.tokenProvider(), 't1');
    assert.equal(await w.client.options.tokenProvider(), 't2');
});

test('a lost connection is said, and a regained one too', async () => {
    const w = world();
    await w.live.start();
    w.client.options.onState('waiting', { retryInMs: 500 });
    assert.equal(w.view.state, 'reconnecting');
    assert.equal(w.view.cases.length, 1, 'the cases stay');
    w.client.options.onState('open', {});
    assert.equal(w.view.state, 'live');
});

for (const [what, overrides] of [
    ['the library does not load', { library: async () => { throw new Error('blocked'); } }],
    ['the token is refused', { connect: async () => { throw new Error('no contact'); } }],
]) {
    test(`where ${what}, the cases are polled, and events are tried again later`, async () => {
        const w = world(overrides);
        await w.live.start();
        assert.equal(w.view.state, 'polling');
        assert.equal(w.view.cases.length, 1);
        w.rows[0].Status = 'Closed';
        await w.clock.advance(60_000);
        assert.equal(w.view.cases[0].Status, 'Closed');
        await w.clock.advance(180_000);
        assert.equal(w.seen.loads, 5);
    });
}

test('a connection that ends for good is polled, and comes back', async () => {
    const w = world();
    await w.live.start();
    const first = w.client;
    first.options.onState('closed', { error: new Error('forbidden') });
    assert.equal(w.view.state, 'polling');
    assert.equal(first.isClosed, true);
    await w.clock.advance(300_000);
    assert.notEqual(w.client, first);
    assert.equal(w.view.state, 'live');
    const loads = w.seen.loads;
    await w.clock.advance(600_000);
    assert.equal(w.seen.loads, loads, 'nothing is polled while events come');
});

test('a load that fails says so, keeps what is shown, and is tried again', async () => {
    let fails = true;
    const failing = world({ load: async () => {
        if (fails) throw new Error('no network');
        return [{ Id: '500A', CaseNumber: '1', Status: 'New' }];
    } });
    await failing.live.start();
    assert.equal(failing.view.message, 'Your cases could not be loaded.');
    assert.equal(failing.view.isLoaded, false);
    fails = false;
    await failing.clock.advance(60_000);
    assert.equal(failing.view.message, undefined);
    assert.equal(failing.view.cases.length, 1);
    fails = true;
    await failing.live.refresh();
    assert.equal(failing.view.message, 'Your cases could not be refreshed.');
    assert.equal(failing.view.cases.length, 1);
});

test('after stop nothing is shown, loaded or connected any more', async () => {
    const w = world();
    await w.live.start();
    const views = w.seen.views.length;
    w.live.stop();
    assert.equal(w.client.isClosed, true);
    w.client.callback(event('UPDATE', '500A', { Status: 'Closed' }));
    await w.clock.advance(1_000_000);
    assert.equal(w.seen.views.length, views);
    assert.equal(w.seen.loads, 1);
});
