// Writes the classic-script form of millrace.js, which `loadScript` of lightning/platformResourceLoader can load:
//
//     node static-resource.mjs > millrace.resource.js
//
// A static resource is loaded as a classic script, where `export` is a syntax error. The one export statement at the end of
// millrace.js becomes an assignment to `self.millrace`; nothing else changes.

import { readFileSync } from 'node:fs';

const EXPORTS = /^export \{([^}]*)\};\n$/m;

export function classicScript(moduleSource) {
    const found = EXPORTS.exec(moduleSource);
    if (!found || moduleSource.match(/^(export|import)\b/gm).length !== 1) {
        throw new Error('millrace.js must have exactly one export statement, the last one, and no import');
    }
    const body = moduleSource.replace(EXPORTS, `self.millrace = Object.freeze({${found[1]}});\n`);
    return `(function (self) {\n'use strict';\n${body}})(typeof self === 'undefined' ? globalThis : self);\n`;
}

if (process.argv[1] === new URL(import.meta.url).pathname) {
    process.stdout.write(classicScript(readFileSync(new URL('millrace.js', import.meta.url), 'utf8')));
}
