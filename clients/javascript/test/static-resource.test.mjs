import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import vm from 'node:vm';
import { classicScript } from '../static-resource.mjs';

const source = readFileSync(new URL('../millrace.js', import.meta.url), 'utf8');

test('the static resource is a classic script that sets self.millrace', () => {
    const page = { console, WebSocket: class {} };
    page.self = page;
    vm.runInNewContext(classicScript(source), page);
    assert.deepEqual(Object.keys(page.millrace).sort(), ['MillraceError', 'REPLAY_ALL', 'REPLAY_NEW', 'createMillrace']);
    assert.equal(page.millrace.createMillrace({ url: 'wss://x', token: 't' }).state, 'idle');
});

test('a module that could not become a classic script is refused', () => {
    assert.throws(() => classicScript("import x from 'y';\nexport { x };\n"), /exactly one export/);
    assert.throws(() => classicScript('export const a = 1;\nexport { b };\n'), /exactly one export/);
});

test('the types name every export', () => {
    const types = readFileSync(new URL('../millrace.d.ts', import.meta.url), 'utf8');
    const [, names] = /^export \{([^}]*)\};\n$/m.exec(source);
    for (const name of names.split(',').map((word) => word.trim())) {
        assert.match(types, new RegExp(`export declare (const|class|function) ${name}\\b`));
    }
});
