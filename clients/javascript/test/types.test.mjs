// millrace.d.ts against the TypeScript compiler (Debian's node-typescript), and against the names that millrace.js exports.

import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

import * as client from '../millrace.js';

const here = dirname(fileURLToPath(import.meta.url));
const compiler = spawnSync('tsc', ['--version']).status === 0;

test('a page in TypeScript compiles, and its mistakes are found', { skip: compiler ? false : 'tsc is not installed' }, () => {
    try {
        execFileSync('tsc', [
            '--noEmit', '--strict', '--target', 'es2022', '--lib', 'es2022,dom', '--module', 'nodenext', '--moduleResolution', 'nodenext',
            'types.ts',
        ], { cwd: here, encoding: 'utf8', stdio: 'pipe' });
    } catch (error) {
        assert.fail(error.stdout);
    }
});

test('the declarations name what the module exports', () => {
    const text = readFileSync(join(here, '..', 'millrace.d.ts'), 'utf8');
    const declared = [...text.matchAll(/^export declare (?:class|const|function) (\w+)/gm)].map(([, name]) => name);
    assert.deepEqual(declared.sort(), Object.keys(client).sort());
});
