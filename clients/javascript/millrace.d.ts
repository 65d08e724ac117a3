// Types of millrace.js.

/** A replay id: opaque. A number where Salesforce's is one, otherwise a string. */
export type ReplayId = number | string;

export declare const REPLAY_NEW: -1;
export declare const REPLAY_ALL: -2;

export type State = 'idle' | 'connecting' | 'open' | 'waiting' | 'closed';

/** What goes with a state: why, and when the next try is. */
export interface StateDetail {
    reason?: string;
    /** The close code, where the server gave one. */
    code?: number;
    /** Failures in a row. */
    attempt?: number;
    retryInMs?: number;
    /** With `closed`: why another try would not help. Absent after close(). */
    error?: MillraceError;
}

export interface MillraceOptions {
    /** `wss://host/push` */
    url: string;
    /** A token (JWT). Without a `tokenProvider` the connection ends with it. */
    token?: string;
    /** Gives a fresh token: asked at the start (where there is no `token`), before the token ends, and after a refusal. */
    tokenProvider?: () => string | Promise<string>;
    onState?: (state: State, detail: StateDetail) => void;
    /** The implementation to use; the page's own by default. */
    WebSocket?: new (url: string, protocols: string[]) => WebSocketLike;
    /** Milliseconds; the first retry waits a random time up to `backoffMin`, doubling up to `backoffMax`. */
    backoffMin?: number;
    backoffMax?: number;
    /** The least wait after 4429. */
    tooManyRequestsMin?: number;
    /** A connection that lived this long resets the backoff. */
    stableAfter?: number;
    connectTimeout?: number;
    requestTimeout?: number;
    /** How long before its end a token is renewed, at most. */
    renewBefore?: number;
    /** The same as a share of the token's life, for short ones. */
    renewShare?: number;
    /** Handled (replay id, record id) pairs that each subscription remembers. */
    rememberedMax?: number;
    /** For tests: time, timers and chance. */
    clock?: Clock;
    /** For tests: whose `online` and `visibilitychange` are listened to. */
    page?: EventTarget & { document?: EventTarget & { visibilityState?: string } };
}

export interface WebSocketLike {
    readonly protocol: string;
    onopen: ((event: any) => void) | null;
    onmessage: ((event: any) => void) | null;
    onclose: ((event: any) => void) | null;
    onerror: ((event: any) => void) | null;
    send(text: string): void;
    close(code?: number, reason?: string): void;
}

export interface Clock {
    now(): number;
    setTimeout(action: () => void, delay: number): unknown;
    clearTimeout(timer: unknown): void;
    random(): number;
}

/** Of a change event; `changedFields` are names, nested ones as `BillingAddress.Street`. */
export interface ChangeEventHeader {
    entityName: string;
    recordIds: string[];
    changeType: 'CREATE' | 'UPDATE' | 'DELETE' | 'UNDELETE' | 'GAP_CREATE' | 'GAP_UPDATE' | 'GAP_DELETE' | 'GAP_UNDELETE'
        | 'GAP_OVERFLOW' | 'SNAPSHOT';
    changeOrigin: string;
    transactionKey: string;
    sequenceNumber: number;
    commitTimestamp: number;
    commitNumber: number;
    commitUser: string;
    changedFields: string[];
}

/** What a callback of lightning/empApi gets. */
export interface Message<Fields = Record<string, unknown>> {
    channel: string;
    data: {
        schema?: string;
        payload: { ChangeEventHeader?: ChangeEventHeader } & Partial<Fields>;
        event: { replayId: ReplayId; EventUuid?: string };
        /** Of the form `record`: not all of the record is known, and a field that is missing is not empty. */
        incomplete?: true;
    };
}

export interface Gap {
    type: 'gap';
    channel: string;
    reason: 'expired' | 'overflow' | 'upstream' | (string & {});
    replayId?: ReplayId;
}

export interface Checkpoint {
    type: 'checkpoint';
    channel: string;
    replayId: ReplayId;
}

export interface SubscribeOptions<Fields = Record<string, unknown>> {
    /** A SOQL condition; it can only narrow what the token allows. */
    where?: string;
    /** `changes`: what Salesforce sent. `record`: the whole record after the change. */
    form?: 'changes' | 'record';
    /** When this page reads too slowly: `park` skips nothing, `conflate` gives the newest state of each record. */
    slow?: 'park' | 'conflate';
    /** The record is no longer in view; no values. */
    onLeft?: (message: Message<Fields>, subscription: Subscription) => void;
    /** Events were lost to you: load the state anew; the subscription goes on from here. */
    onGap?: (gap: Gap, subscription: Subscription) => void;
    /** The place moved on without an event for you. */
    onCheckpoint?: (checkpoint: Checkpoint, subscription: Subscription) => void;
    /** The subscription stands; called again after each reconnection. */
    onSubscribed?: (message: { channel: string; replayId?: ReplayId }, subscription: Subscription) => void;
}

export interface Subscription {
    readonly id: number;
    readonly channel: string;
    /** The place: what to pass to `subscribe` to go on from there. */
    readonly replayId: ReplayId;
}

export interface UnsubscribeAnswer {
    channel: '/meta/unsubscribe';
    subscription?: string;
    successful: boolean;
}

export declare class MillraceError extends Error {
    /** The server's code (`invalid_where`, `unknown_channel`, …) or the client's own:
     *  `already_subscribed`, `bad_message`, `callback_failed`, `closed`, `connection_refused`, `forbidden`, `invalid_option`,
     *  `message_too_big`, `not_millrace`, `protocol_misuse`, `token_provider_failed`, `too_slow`, `unauthenticated`,
     *  `unsubscribed`. */
    readonly code: string;
    readonly channel?: string;
    readonly closeCode?: number;
    readonly cause?: unknown;
    readonly [detail: string]: unknown;
}

export interface Millrace {
    readonly state: State;
    /** `replayId`: -1 new events, -2 all that is retained, or a replay id: events after it. Rejects with a MillraceError. */
    subscribe<Fields = Record<string, unknown>>(
        channel: string, replayId: ReplayId,
        onMessageCallback: (message: Message<Fields>, subscription: Subscription) => void,
        options?: SubscribeOptions<Fields>): Promise<Subscription>;
    unsubscribe(subscription: Subscription, callback?: (answer: UnsubscribeAnswer) => void): Promise<UnsubscribeAnswer>;
    /** What the client cannot mend by itself. Returns a function that takes the handler away. */
    onError(callback: (error: MillraceError) => void): () => void;
    isEmpEnabled(): Promise<boolean>;
    setDebugFlag(flag: boolean): void;
    /** Ends everything, for good. */
    close(): void;
}

export declare function createMillrace(options: MillraceOptions): Millrace;
