// A page's code, as the TypeScript compiler must take it, and mistakes that it must find. Compiled by types.test.mjs, never run.

import {
    createMillrace, MillraceError, REPLAY_ALL, REPLAY_NEW,
    type Checkpoint, type Gap, type Message, type Millrace, type MillraceOptions, type ReplayId, type State, type Subscription,
} from '../millrace.js';

interface CaseFields {
    Status: string | null;
    Priority: 'High' | 'Medium' | 'Low' | null;
}

const options: MillraceOptions = {
    url: 'wss://events.example.com/push',
    tokenProvider: async () => (await fetch('/session/millrace-token')).text(),
    onState: (state: State, detail) => console.log(state, detail.retryInMs ?? 0, detail.error?.code),
    WebSocket,
};
const client: Millrace = createMillrace(options);

export async function watch(place: ReplayId = REPLAY_ALL): Promise<Subscription> {
    const subscription = await client.subscribe<CaseFields>('/data/CaseChangeEvent', place, (message: Message<CaseFields>, which) => {
        const { ChangeEventHeader, ...fields } = message.data.payload;
        const status: string | null | undefined = fields.Status;
        const ids: string[] = ChangeEventHeader?.recordIds ?? [];
        console.log(which.replayId, status, ids.length, message.data.event.EventUuid);
    }, {
        where: "Status != 'Closed'", form: 'record', slow: 'conflate',
        onLeft: (message) => console.log(message.channel),
        onGap: (gap: Gap) => console.log(gap.reason),
        onCheckpoint: (checkpoint: Checkpoint) => console.log(checkpoint.replayId),
        onSubscribed: ({ channel }) => console.log(channel),
    });
    const stop: () => void = client.onError((error: MillraceError) => console.error(error.code, error.message));
    stop();
    return subscription;
}

export async function end(subscription: Subscription): Promise<boolean> {
    const answer = await client.unsubscribe(subscription, ({ successful }) => console.log(successful));
    client.close();
    return answer.successful && (await client.isEmpEnabled());
}

export async function mistakes(): Promise<void> {
    // @ts-expect-error: an address is needed.
    createMillrace({ token: 'x' });
    // @ts-expect-error: a place is a number or a string.
    await client.subscribe('/data/CaseChangeEvent', null, () => {});
    // @ts-expect-error: no such form.
    await client.subscribe('/data/CaseChangeEvent', REPLAY_NEW, () => {}, { form: 'rows' });
    // @ts-expect-error: the field is not one of the record.
    await client.subscribe<CaseFields>('/data/CaseChangeEvent', REPLAY_NEW, (message) => message.data.payload.Stage);
    // @ts-expect-error: the state is told, not set.
    client.state = 'open';
}
