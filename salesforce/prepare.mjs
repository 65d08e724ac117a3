// Writes the static resource from the one millrace.js that there is:
//
//     node prepare.mjs
//
// `loadScript` loads classic scripts, so the module is turned into one on the way.

import { readFileSync, writeFileSync } from 'node:fs';
import { classicScript } from '../clients/javascript/static-resource.mjs';

const module = new URL('../clients/javascript/millrace.js', import.meta.url);
const resource = new URL('force-app/main/default/staticresources/millrace.js', import.meta.url);

writeFileSync(resource, classicScript(readFileSync(module, 'utf8')));
