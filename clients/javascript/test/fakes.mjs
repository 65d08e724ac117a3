// What the tests put in the place of the world: a clock moved by hand, sockets whose other end the test plays, a page.

export class FakeClock {
    constructor(start = 1_000_000) {
        this.time = start;
        this.timers = [];
        this.chance = 0.5;
        this.nextTimer = 1;
    }

    now() { return this.time; }

    random() { return this.chance; }

    setTimeout(action, delay) {
        const timer = { id: this.nextTimer++, at: this.time + delay, action };
        this.timers.push(timer);
        return timer;
    }

    clearTimeout(timer) { this.timers = this.timers.filter((other) => other !== timer); }

    /** Moves on, running what falls due in its order; lets promises settle between. */
    async advance(milliseconds) {
        const end = this.time + milliseconds;
        for (;;) {
            const due = this.timers.filter((timer) => timer.at <= end).sort((a, b) => a.at - b.at || a.id - b.id)[0];
            if (!due) break;
            this.clearTimeout(due);
            this.time = Math.max(this.time, due.at);
            due.action();
            await settle();
        }
        this.time = end;
        await settle();
    }
}

/** Lets every promise that can settle do so. */
export const settle = () => new Promise((resolve) => setImmediate(resolve));

/** The server's side of the sockets that a client opens, the newest last. */
export class FakeServer {
    constructor() {
        const sockets = this.sockets = [];
        this.protocol = 'millrace.v1';
        const server = this;
        this.WebSocket = class {
            constructor(url, protocols) {
                if (url.startsWith('bad:')) throw new SyntaxError('bad address');
                Object.assign(this, { url, protocols, protocol: '', sent: [], closedWith: undefined });
                sockets.push(this);
            }

            send(text) { this.sent.push(JSON.parse(text)); }

            close(code) { this.closedWith = code; }

            // What the test plays.

            accept() {
                this.protocol = server.protocol;
                this.onopen({});
            }

            say(message) { this.onmessage({ data: typeof message === 'string' ? message : JSON.stringify(message) }); }

            drop(code = 1006, reason = '') { this.onclose({ code, reason }); }

            sentOf(type) { return this.sent.filter((message) => message.type === type); }

            last(type) { return this.sentOf(type).at(-1); }

            welcome(heartbeat = 25) {
                this.accept();
                this.say({ type: 'welcome', heartbeat });
            }

            /** Answers the newest subscribe. */
            answer(fields = {}) {
                const { id, channel } = this.last('subscribe');
                this.say({ type: 'subscribed', id, channel, ...fields });
            }
        };
    }

    get socket() { return this.sockets.at(-1); }
}

export class FakePage extends EventTarget {
    constructor() {
        super();
        this.document = new EventTarget();
        this.document.visibilityState = 'visible';
    }
}

export const CASES = '/data/CaseChangeEvent';

export const caseEvent = (replayId, recordIds, fields = {}, type = 'event') => ({
    type, channel: CASES,
    data: {
        schema: 's', event: { replayId },
        payload: { ...fields, ChangeEventHeader: { entityName: 'Case', recordIds, changeType: 'UPDATE' } },
    },
});

export const jwt = (claims) => {
    const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
    return `${part({ alg: 'ES256' })}.${part(claims)}.c2lnbmF0dXJl`;
};
