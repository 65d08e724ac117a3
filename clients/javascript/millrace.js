// Millrace for the browser: live Salesforce events over one WebSocket, protocol millrace.v1.
//
// `createMillrace({url, tokenProvider})` gives a client whose `subscribe(channel, replayId, callback)` has the signature and
// the callback shape of lightning/empApi. Unlike empApi it reconnects and resumes by itself: each subscription keeps its place
// (the last replay id of an event, left, gap or checkpoint) and goes on from there, so nothing is lost between two connections,
// and what comes twice is dropped by (replay id, record id).
//
// No dependencies. All exports are in the last statement, so that `static-resource.mjs` can turn this file into a classic script.

const SUBPROTOCOL = 'millrace.v1';

/** Replay only what happens from now on, and replay all that is retained. */
const REPLAY_NEW = -1;
const REPLAY_ALL = -2;

/** The defaults of every option that is a number; times in milliseconds. */
const DEFAULTS = Object.freeze({
    backoffMin: 500, // Upper end of the first retry's delay; doubles with every further failure.
    backoffMax: 30_000,
    tooManyRequestsMin: 5_000, // After 4429 without a retry-after-ms of its own.
    stableAfter: 5_000, // A connection that lived this long resets the backoff.
    connectTimeout: 15_000, // From the start of the connection to the welcome.
    requestTimeout: 30_000, // From a subscribe to its answer, and for the token provider.
    renewBefore: 60_000, // A fresh token is asked for this long before the old one ends …
    renewShare: 0.2, // … or in the last fifth of its life, where that is shorter.
    rememberedMax: 2_000, // Handled (replay id, record id) pairs that a subscription remembers.
});

/** The longest delay that a browser's setTimeout takes. */
const TIMEOUT_MAX = 2 ** 31 - 1;

/** Silence after which a ping is sent, and further silence after which the connection counts as dead: 2.5 heartbeats in all. */
const PING_AFTER_HEARTBEATS = 1;
const DEAD_AFTER_PING_HEARTBEATS = 1.5;
const HEARTBEAT_DEFAULT_SECONDS = 25;
/** How long a connection has to answer after the page woke up or the network came back. */
const PROBE_TIMEOUT = 5_000;

/** Close codes after which another try would end the same way. 4401 is one of them only without a token provider. */
const PERMANENT_CLOSE_CODES = new Map([
    [1008, ['protocol_misuse', 'The server refused how this client speaks the protocol']],
    [1009, ['message_too_big', 'The server refused a message as too big']],
    [4403, ['forbidden', 'The token allows nothing here']],
]);
const UNAUTHENTICATED = 4401;
const TOO_SLOW = 4408;
const TOO_MANY_REQUESTS = 4429;

/** What a rejected promise and `onError` carry: `code` for programs, `message` for people, and what the server said beyond. */
class MillraceError extends Error {
    constructor(code, message, details = {}) {
        super(message);
        this.name = 'MillraceError';
        Object.assign(this, details);
        this.code = code;
    }
}

/** The pairs of replay id and record id that were handled last; bounded, the oldest are forgotten first. */
class Remembered {
    constructor(max) {
        this.max = max;
        this.keys = new Set();
    }

    /** Whether all of this message was handled before; what was not is remembered. */
    knows(message) {
        const replayId = message.data?.event?.replayId;
        const ids = message.data?.payload?.ChangeEventHeader?.recordIds ?? [message.data?.event?.EventUuid ?? ''];
        let known = true;
        for (const id of ids) {
            const key = `${message.type} ${replayId} ${id}`;
            if (this.keys.has(key)) continue;
            known = false;
            this.keys.add(key);
            if (this.keys.size > this.max) this.keys.delete(this.keys.values().next().value);
        }
        return known;
    }
}

/** The `exp` and `iat` of a JWT in milliseconds, unchecked; undefined where there is none to be read. */
function lifeOfToken(token) {
    try {
        const base64 = token.split('.')[1].replace(/-/g, '+').replace(/_/g, '/');
        const claims = JSON.parse(atob(base64));
        const milliseconds = (seconds) => (Number.isFinite(seconds) ? seconds * 1000 : undefined);
        return { expiresAt: milliseconds(claims.exp), issuedAt: milliseconds(claims.iat) };
    } catch {
        return {}; // Not a JWT that can be read here. The server judges it; only the renewal before its end is not possible.
    }
}

/** What the outside gives: clock, timers and chance. Tests pass their own. */
const REAL_CLOCK = {
    now: () => Date.now(),
    setTimeout: (action, delay) => globalThis.setTimeout(action, delay),
    clearTimeout: (timer) => globalThis.clearTimeout(timer),
    random: () => Math.random(),
};

/** One subscription as the caller holds it. `replayId` is its place: store it to go on from there on the next page. */
class Subscription {
    constructor(id, channel, replayId, callback, options, rememberedMax) {
        this.id = id;
        this.channel = channel;
        this.replayId = replayId;
        this.callback = callback;
        this.options = options;
        this.remembered = new Remembered(rememberedMax);
        this.answered = false; // The promise of subscribe() is settled.
        this.requestId = undefined; // The subscribe that waits for its answer on this connection.
    }
}

/**
 * A client: one connection, any number of channels, one subscription per channel.
 *
 * States: `idle` (nothing subscribed yet) → `connecting` (until the server's welcome) → `open` → `waiting` (for the next try)
 * → `connecting` …, and `closed`, the last one: by close() or by an error that another try cannot mend.
 */
class MillraceClient {
    #options;
    #clock;
    #state = 'idle';
    #socket; // The current one; what an abandoned one still says is not listened to.
    #token;
    #tokenIsFresh = false; // No server has refused it yet.
    #subscriptions = new Map(); // By channel.
    #requests = new Map(); // Request id → { subscription, timer }.
    #leaving = new Map(); // Channel → id of the unsubscribe that is not answered yet.
    #errorHandlers = new Set();
    #nextId = 1;
    #attempt = 0; // Failures in a row.
    #openedAt;
    #heartbeat = HEARTBEAT_DEFAULT_SECONDS * 1000;
    #heardAt = 0;
    #heardCount = 0;
    #pingedAt; // Set while an answer to a ping is due.
    #timers = {}; // retry, connect, watchdog, probe, renewal.
    #debug = false;
    #stopHints = () => {};

    constructor(options) {
        if (typeof options?.url !== 'string') throw new MillraceError('invalid_option', 'createMillrace needs a url');
        if (options.token === undefined && typeof options.tokenProvider !== 'function') {
            throw new MillraceError('invalid_option', 'createMillrace needs a token or a tokenProvider');
        }
        this.#options = { WebSocket: globalThis.WebSocket, ...DEFAULTS, ...options };
        this.#clock = options.clock ?? REAL_CLOCK;
        this.#token = options.token;
        this.#tokenIsFresh = options.token !== undefined;
        this.#listenForHints();
    }

    /** `idle`, `connecting`, `open`, `waiting` or `closed`. */
    get state() {
        return this.#state;
    }

    /**
     * Subscribes to a channel; the promise gives the subscription once the server has accepted it, or rejects with
     * `{code, message}`. `replayId`: -1 new events, -2 all that is retained, or a replay id: events after it.
     */
    subscribe(channel, replayId, onMessageCallback, options = {}) {
        if (this.#state === 'closed') return Promise.reject(new MillraceError('closed', 'This client is closed'));
        if (typeof onMessageCallback !== 'function') {
            return Promise.reject(new MillraceError('invalid_option', 'subscribe needs a callback'));
        }
        if (this.#subscriptions.has(channel)) {
            return Promise.reject(new MillraceError('already_subscribed',
                `${channel} is subscribed on this client: unsubscribe first, or create another client`));
        }
        const place = replayId ?? REPLAY_NEW;
        const subscription = new Subscription(
            this.#nextId++, channel, place, onMessageCallback, options, this.#options.rememberedMax);
        this.#subscriptions.set(channel, subscription);
        return new Promise((resolve, reject) => {
            subscription.resolve = resolve;
            subscription.reject = reject;
            if (this.#state === 'open') this.#request(subscription);
            else if (this.#state === 'idle') this.#connect();
        });
    }

    /** Ends a subscription. The callback, and the promise, get an answer of empApi's shape. */
    async unsubscribe(subscription, callback) {
        const isCurrent = this.#subscriptions.get(subscription?.channel) === subscription && subscription !== undefined;
        if (isCurrent) {
            this.#forget(subscription);
            if (!subscription.answered) {
                subscription.reject(new MillraceError('unsubscribed', 'Unsubscribed before the server answered'));
            }
            if (this.#state === 'open') {
                const id = this.#nextId++;
                this.#leaving.set(subscription.channel, id);
                this.#send({ type: 'unsubscribe', id, channel: subscription.channel });
            }
        }
        const answer = { channel: '/meta/unsubscribe', subscription: subscription?.channel, successful: isCurrent };
        callback?.(answer);
        return answer;
    }

    /** Hears of what the client cannot mend by itself, as MillraceError. Returns a function that takes the handler away. */
    onError(callback) {
        this.#errorHandlers.add(callback);
        return () => this.#errorHandlers.delete(callback);
    }

    /** Whether this page can use Millrace at all. */
    async isEmpEnabled() {
        return typeof this.#options.WebSocket === 'function';
    }

    /** Writes what happens to the console; tokens are left out. */
    setDebugFlag(flag) {
        this.#debug = Boolean(flag);
    }

    /** Ends everything, for good. */
    close() {
        this.#end(new MillraceError('closed', 'This client was closed'), false);
    }

    // The connection's life.

    #connect() {
        this.#clearTimers();
        this.#enter('connecting', {});
        if (this.#state !== 'connecting') return; // The state callback closed the client.
        // One deadline for all of it, the token included: a provider that never answers must not hold the page for ever.
        const attempt = {};
        this.#socket = attempt;
        this.#after('connect', this.#options.connectTimeout, () => this.#lost('no welcome in time'));
        const { expiresAt } = this.#tokenIsFresh ? lifeOfToken(this.#token) : {};
        const isSpent = !this.#tokenIsFresh || (expiresAt !== undefined && expiresAt <= this.#clock.now());
        if (!isSpent || !this.#options.tokenProvider) this.#open();
        else {
            this.#freshToken().then(
                () => { if (this.#socket === attempt) this.#open(); },
                (error) => {
                    if (this.#socket !== attempt) return;
                    this.#report(error);
                    this.#lost(error.message);
                });
        }
    }

    #open() {
        let socket;
        try {
            socket = new this.#options.WebSocket(this.#options.url, [SUBPROTOCOL]);
        } catch (cause) { // A malformed address, or one that the page's policy forbids: it stays so.
            this.#end(new MillraceError('connection_refused', `Cannot open ${this.#options.url}: ${cause.message}`, { cause }));
            return;
        }
        this.#socket = socket;
        const current = (action) => (event) => { if (this.#socket === socket) action(event); };
        // The token is the first message, not part of the address or of a header: then it is in no proxy's log, and the
        // server can say 4401, which a page does not get to see of a refused upgrade.
        socket.onopen = current(() => {
            if (socket.protocol === SUBPROTOCOL) this.#send({ type: 'authenticate', token: this.#token });
            else this.#end(new MillraceError('not_millrace', `${this.#options.url} does not speak ${SUBPROTOCOL}`));
        });
        socket.onmessage = current((event) => this.#received(event.data));
        socket.onclose = current((event) => this.#closed(event.code, event.reason ?? ''));
        socket.onerror = current(() => this.#log('socket error')); // A close event follows, and that one is acted on.
    }

    #closed(code, reason) {
        this.#log('closed by the server', code, reason);
        const permanent = PERMANENT_CLOSE_CODES.get(code);
        if (permanent) {
            this.#end(new MillraceError(permanent[0], reason || permanent[1], { closeCode: code }));
            return;
        }
        if (code === UNAUTHENTICATED) {
            if (!this.#options.tokenProvider) {
                this.#end(new MillraceError('unauthenticated', reason || 'The token was refused', { closeCode: code }));
                return;
            }
            this.#tokenIsFresh = false;
        } else if (code === TOO_SLOW) {
            this.#report(new MillraceError('too_slow', 'This page read too slowly and was cut off; it goes on from its place'));
        }
        const retryAfter = /retry-after-ms=(\d+)/.exec(reason);
        const atLeast = code === TOO_MANY_REQUESTS ? this.#options.tooManyRequestsMin : 0;
        this.#lost(reason, { retryAfter: retryAfter ? Number(retryAfter[1]) : atLeast, code });
    }

    /** The connection is gone, or given up: the next try after a random part of a growing delay ("full jitter"). */
    #lost(reason, { retryAfter = 0, code } = {}) {
        this.#abandonSocket();
        const lived = this.#openedAt === undefined ? 0 : this.#clock.now() - this.#openedAt;
        const wasStable = lived >= this.#options.stableAfter;
        if (wasStable) this.#attempt = 0;
        this.#openedAt = undefined;
        // A working connection that ends with 4401 is the ordinary end of a token: no crowd to spread, no waiting.
        const immediately = wasStable && code === UNAUTHENTICATED;
        const { backoffMin, backoffMax } = this.#options;
        const spread = Math.min(backoffMax, backoffMin * 2 ** Math.min(this.#attempt, 30));
        const delay = immediately ? 0 : Math.round(retryAfter + this.#clock.random() * spread);
        this.#attempt += 1;
        this.#enter('waiting', { reason, code, attempt: this.#attempt, retryInMs: delay });
        if (this.#state === 'waiting') this.#after('retry', delay, () => this.#connect());
    }

    #end(error, isFailure = true) {
        if (this.#state === 'closed') return;
        const subscriptions = [...this.#subscriptions.values()];
        this.#abandonSocket();
        this.#stopHints();
        this.#subscriptions.clear();
        this.#enter('closed', isFailure ? { error } : {});
        const waiting = subscriptions.filter((subscription) => !subscription.answered);
        for (const subscription of waiting) subscription.reject(error);
        if (isFailure) this.#report(error);
    }

    /** Stops listening to the socket before closing it: a dead network can hold back its close event for minutes. */
    #abandonSocket() {
        const socket = this.#socket;
        this.#socket = undefined;
        this.#clearTimers();
        for (const request of this.#requests.values()) this.#clock.clearTimeout(request.timer);
        this.#requests.clear();
        this.#leaving.clear();
        if (socket?.close) {
            try {
                socket.close(1000);
            } catch (error) {
                this.#log('close failed', error); // It was closed already, or never open: the aim is reached.
            }
        }
    }

    // Tokens.

    async #freshToken() {
        if (!this.#options.tokenProvider) return;
        const token = await this.#withDeadline(
            Promise.resolve().then(() => this.#options.tokenProvider()), 'The token provider did not answer in time');
        if (typeof token !== 'string' || token === '') {
            throw new MillraceError('token_provider_failed', 'The token provider gave no token');
        }
        this.#token = token;
        this.#tokenIsFresh = true;
    }

    #withDeadline(promise, text) {
        return new Promise((resolve, reject) => {
            const fail = (message, cause) => reject(new MillraceError('token_provider_failed', message, { cause }));
            const timer = this.#clock.setTimeout(() => fail(text), this.#options.requestTimeout);
            promise
                .then(resolve, (cause) => fail(`The token provider failed: ${cause?.message ?? cause}`, cause))
                .finally(() => this.#clock.clearTimeout(timer));
        });
    }

    /** Sends a fresh token before the old one ends, so that the connection does not. */
    #planRenewal() {
        const { expiresAt, issuedAt } = lifeOfToken(this.#token);
        if (!this.#options.tokenProvider || expiresAt === undefined) return;
        const now = this.#clock.now();
        const life = expiresAt - Math.min(issuedAt ?? now, now);
        const margin = Math.min(this.#options.renewBefore, life * this.#options.renewShare);
        this.#renewAfter(Math.max(0, expiresAt - margin - now), 0);
    }

    #renewAfter(delay, failures) {
        this.#after('renewal', Math.min(delay, TIMEOUT_MAX), () => {
            if (delay > TIMEOUT_MAX) return this.#planRenewal();
            const socket = this.#socket;
            return this.#freshToken().then(
                () => {
                    if (this.#socket !== socket) return;
                    this.#send({ type: 'authenticate', token: this.#token });
                    this.#planRenewal();
                },
                (error) => {
                    this.#report(error);
                    if (this.#socket !== socket) return;
                    const spread = Math.min(this.#options.backoffMax, this.#options.backoffMin * 2 ** failures);
                    this.#renewAfter(this.#options.backoffMin + this.#clock.random() * spread, failures + 1);
                });
        });
    }

    // Messages.

    #request(subscription) {
        const id = this.#nextId++;
        subscription.requestId = id;
        const timer = this.#clock.setTimeout(() => this.#lost('no answer to subscribe'), this.#options.requestTimeout);
        this.#requests.set(id, { subscription, timer });
        const { where, form, slow } = subscription.options;
        this.#send({ type: 'subscribe', id, channel: subscription.channel, replay: subscription.replayId, where, form, slow });
    }

    #send(message) {
        this.#log('→', message.type, message.channel ?? '');
        this.#socket.send(JSON.stringify(message));
    }

    #received(text) {
        this.#heardAt = this.#clock.now();
        this.#heardCount += 1;
        this.#pingedAt = undefined;
        let message;
        try {
            message = JSON.parse(text);
        } catch (cause) {
            // It may have been an event: the place is still before it, so a new connection brings it again.
            this.#report(new MillraceError('bad_message', 'The server sent a message that is not JSON', { cause }));
            this.#lost('bad message');
            return;
        }
        this.#log('←', message.type, message.channel ?? '');
        switch (message.type) {
        case 'welcome': this.#welcomed(message); break;
        case 'subscribed': this.#subscribed(message); break;
        case 'event':
        case 'left':
        case 'gap':
        case 'checkpoint': this.#delivered(message); break;
        case 'unsubscribed': this.#leftChannel(message.id); break;
        case 'error': this.#refused(message); break;
        case 'pong': break; // Having been heard was its purpose.
        default: this.#log('unknown message type', message.type); // The protocol may grow: what is new is not for us.
        }
    }

    #welcomed(message) {
        if (this.#state === 'open') return;
        this.#openedAt = this.#clock.now();
        this.#heartbeat = (message.heartbeat > 0 ? message.heartbeat : HEARTBEAT_DEFAULT_SECONDS) * 1000;
        this.#clear('connect');
        this.#enter('open', {});
        if (this.#state !== 'open') return; // The state callback closed the client.
        this.#watch();
        this.#planRenewal();
        for (const subscription of this.#subscriptions.values()) this.#request(subscription);
    }

    #subscribed(message) {
        const subscription = this.#takeRequest(message.id);
        if (!subscription) return;
        // Asked for new events, the place is now known: a connection lost before the first event must not skip any.
        if (subscription.replayId === REPLAY_NEW && message.replayId != null) subscription.replayId = message.replayId;
        this.#call(subscription, subscription.options.onSubscribed, message);
        if (!subscription.answered) {
            subscription.answered = true;
            subscription.resolve(subscription);
        }
    }

    #refused(message) {
        const { type, id, code, message: text, ...details } = message;
        if (this.#leftChannel(id)) return; // The server knew of no such subscription: the aim is reached.
        // Without an id but with a channel: a new token took an accepted subscription away.
        const subscription = this.#takeRequest(id) ?? (id === undefined ? this.#subscriptions.get(details.channel) : undefined);
        if (!subscription) {
            this.#report(new MillraceError(code, text, details));
            return;
        }
        const error = new MillraceError(code, text, { ...details, channel: subscription.channel });
        this.#forget(subscription);
        if (subscription.answered) this.#report(error); // Accepted once, refused when it was to be resumed.
        else {
            subscription.answered = true;
            subscription.reject(error);
        }
    }

    #delivered(message) {
        const subscription = this.#subscriptions.get(message.channel);
        // Unsubscribed while this was on its way; a new subscription to the channel must not take it for its own.
        if (!subscription || this.#leaving.has(message.channel)) return;
        const { onLeft, onGap, onCheckpoint } = subscription.options;
        if (message.type === 'gap' || message.type === 'checkpoint') {
            if (message.replayId != null) subscription.replayId = message.replayId;
            this.#call(subscription, message.type === 'gap' ? onGap : onCheckpoint, message);
            return;
        }
        if (!subscription.remembered.knows(message)) {
            const data = { channel: message.channel, data: message.data };
            this.#call(subscription, message.type === 'left' ? onLeft : subscription.callback, data);
        }
        // After the callback: what it did not get to see is not passed over.
        const replayId = message.data?.event?.replayId;
        if (replayId != null) subscription.replayId = replayId;
    }

    /** The answer to an unsubscribe; true when it was one. */
    #leftChannel(id) {
        for (const [channel, unsubscribeId] of this.#leaving) {
            if (unsubscribeId === id) return this.#leaving.delete(channel);
        }
        return false;
    }

    #takeRequest(id) {
        const request = this.#requests.get(id);
        if (!request) return undefined;
        this.#clock.clearTimeout(request.timer);
        this.#requests.delete(id);
        return request.subscription;
    }

    #forget(subscription) {
        if (this.#subscriptions.get(subscription.channel) === subscription) this.#subscriptions.delete(subscription.channel);
        this.#takeRequest(subscription.requestId);
    }

    /** A callback that throws is its owner's fault, and must not stop the others or the connection. */
    #call(subscription, callback, message) {
        try {
            callback?.(message, subscription);
        } catch (cause) {
            this.#report(new MillraceError('callback_failed', `A callback of ${subscription.channel} threw: ${cause}`, { cause }));
        }
    }

    // Is it still alive? A page does not get to see ping frames, so it asks by itself.

    #watch() {
        this.#heardAt = this.#clock.now();
        this.#pingedAt = undefined;
        const check = () => {
            const now = this.#clock.now();
            const pingAfter = this.#heartbeat * PING_AFTER_HEARTBEATS;
            const deadAfter = this.#heartbeat * DEAD_AFTER_PING_HEARTBEATS;
            if (this.#pingedAt !== undefined) {
                const left = this.#pingedAt + deadAfter - now;
                if (left <= 0) return this.#lost('nothing heard for 2.5 heartbeats');
                return this.#after('watchdog', left, check);
            }
            const left = this.#heardAt + pingAfter - now;
            if (left > 0) return this.#after('watchdog', left, check);
            // Only a ping without an answer counts: a page that slept has heard nothing either.
            this.#pingedAt = now;
            this.#send({ type: 'ping' });
            return this.#after('watchdog', deadAfter, check);
        };
        this.#after('watchdog', this.#heartbeat * PING_AFTER_HEARTBEATS, check);
    }

    /** The network came back, or the page is looked at again: try now, or find out now whether the connection survived. */
    #hint() {
        if (this.#state === 'waiting') this.#connect();
        else if (this.#state === 'open' && this.#timers.probe === undefined) {
            const heardBefore = this.#heardCount;
            this.#send({ type: 'ping' });
            this.#after('probe', Math.min(PROBE_TIMEOUT, this.#heartbeat), () => {
                if (this.#heardCount === heardBefore) this.#lost('no answer after waking up');
            });
        }
    }

    #listenForHints() {
        const page = this.#options.page ?? globalThis;
        if (typeof page.addEventListener !== 'function') return;
        const online = () => this.#hint();
        const visible = () => { if (page.document?.visibilityState === 'visible') this.#hint(); };
        page.addEventListener('online', online);
        page.document?.addEventListener('visibilitychange', visible);
        this.#stopHints = () => {
            page.removeEventListener('online', online);
            page.document?.removeEventListener('visibilitychange', visible);
        };
    }

    // Timers, state, errors.

    #after(name, delay, action) {
        this.#clear(name);
        this.#timers[name] = this.#clock.setTimeout(() => {
            this.#timers[name] = undefined;
            action();
        }, delay);
    }

    #clear(name) {
        if (this.#timers[name] !== undefined) this.#clock.clearTimeout(this.#timers[name]);
        this.#timers[name] = undefined;
    }

    #clearTimers() {
        for (const name of Object.keys(this.#timers)) this.#clear(name);
    }

    #enter(state, detail) {
        this.#state = state;
        this.#log('state', state, detail.reason ?? '');
        try {
            this.#options.onState?.(state, detail);
        } catch (cause) {
            this.#report(new MillraceError('callback_failed', `The state callback threw: ${cause}`, { cause }));
        }
    }

    #report(error) {
        if (this.#errorHandlers.size === 0) console.error('Millrace:', error.message);
        for (const handler of this.#errorHandlers) {
            try {
                handler(error);
            } catch (cause) {
                console.error('Millrace: an error handler threw:', cause);
            }
        }
    }

    #log(...words) {
        if (this.#debug) console.debug('Millrace:', ...words);
    }
}

/** A client for one address and one user. See `millrace.d.ts` for the options. */
function createMillrace(options) {
    return new MillraceClient(options);
}

export { createMillrace, MillraceError, REPLAY_ALL, REPLAY_NEW };
