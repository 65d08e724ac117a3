// The parts of the project name one another; a deployment would find a wrong name late.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const main = `${root}force-app/main/default/`;

function* files(folder) {
    for (const name of readdirSync(folder)) {
        const path = `${folder}/${name}`;
        if (statSync(path).isDirectory()) yield* files(path);
        else yield path;
    }
}

const read = (path) => readFileSync(path, 'utf8');
const values = (xml, tag) => [...xml.matchAll(new RegExp(`<${tag}>([^<]*)</${tag}>`, 'g'))].map((match) => match[1]);
const names = (folder, suffix) =>
    readdirSync(main + folder).filter((name) => name.endsWith(suffix)).map((name) => name.slice(0, -suffix.length));
const project = JSON.parse(read(`${root}sfdx-project.json`));

test('every package directory is there, and holds metadata', () => {
    for (const { path } of project.packageDirectories) {
        assert.ok([...files(root + path)].some((file) => file.endsWith('-meta.xml')), path);
    }
});

test('what is replaced at deployment occurs, and nothing of it is left in a file that no replacement covers', () => {
    const covered = {
        'millrace.example.com': /\/(cspTrustedSites|namedCredentials|customMetadata)\//,
        MILLRACE_CERTIFICATE: /\/(external-client-app|connected-app)\//,
        'crm-admin@example.com': /\/(external-client-app|connected-app)\//,
    };
    assert.deepEqual(project.replacements.map((entry) => entry.stringToReplace).sort(), Object.keys(covered).sort());
    for (const [text, folders] of Object.entries(covered)) {
        const found = project.packageDirectories.flatMap(({ path }) => [...files(root + path)])
            .filter((file) => file.endsWith('.xml') && read(file).includes(text));
        assert.ok(found.length > 0, text);
        for (const file of found) assert.match(file, folders, `${text} in ${file}`);
    }
});

test('every class has its metadata, and each but a test has a test', () => {
    const classes = names('classes', '.cls');
    assert.deepEqual(names('classes', '.cls-meta.xml').sort(), classes.sort());
    for (const name of classes.filter((name) => !name.endsWith('Test'))) assert.ok(classes.includes(`${name}Test`), name);
});

test('permission sets name classes and metadata types that there are', () => {
    const classes = names('classes', '.cls');
    for (const set of names('permissionsets', '.permissionset-meta.xml')) {
        const xml = read(`${main}permissionsets/${set}.permissionset-meta.xml`);
        for (const name of values(xml, 'apexClass')) assert.ok(classes.includes(name), name);
        for (const name of values(xml, 'name').filter((name) => name.endsWith('__mdt'))) {
            assert.ok(readdirSync(`${main}objects`).includes(name), name);
        }
    }
});

test('the integration user can change nothing', () => {
    const xml = read(`${main}permissionsets/Millrace_Integration.permissionset-meta.xml`);
    for (const tag of ['allowCreate', 'allowEdit', 'allowDelete', 'modifyAllRecords', 'editable']) {
        assert.deepEqual([...new Set(values(xml, tag))], ['false'], tag);
    }
    assert.deepEqual(values(xml, 'name'), ['ApiEnabled', 'ApiUserOnly']);
});

test('the logins are for the integration permission set', () => {
    const policy = `${root}external-client-app/extlClntAppOauthPolicies/Millrace_policy.ecaOauthPlcy-meta.xml`;
    assert.deepEqual(values(read(policy), 'commaSeparatedPermissionSet'), ['Millrace_Integration']);
    const app = read(`${root}connected-app/connectedApps/Millrace.connectedApp-meta.xml`);
    assert.deepEqual(values(app, 'permissionSetName'), ['Millrace_Integration']);
});

test('the setting has every field, and Apex uses no other', () => {
    const fields = readdirSync(`${main}objects/Millrace_Setting__mdt/fields`).map((name) => name.split('.')[0]).sort();
    const record = read(`${main}customMetadata/Millrace_Setting.Default.md-meta.xml`);
    assert.deepEqual(values(record, 'field').sort(), fields);
    const used = new Set([...read(`${main}classes/MillraceToken.cls`).matchAll(/setting\.(\w+__c)/g)].map((match) => match[1]));
    assert.deepEqual([...used].sort(), fields);
});

test('the component shows the fields that the token allows', () => {
    const record = read(`${main}customMetadata/Millrace_Setting.Default.md-meta.xml`);
    const allowed = record.match(/<field>Fields__c<\/field>\s*<value[^>]*>([^<]*)</)[1].split(',');
    const [, shown] = read(`${main}lwc/caseStatusLive/liveCases.js`).match(/const FIELDS = \[([^\]]*)\]/);
    assert.deepEqual(shown.match(/\w+/g), allowed);
});

test('the template uses what the component has', () => {
    const script = read(`${main}lwc/caseStatusLive/caseStatusLive.js`);
    const template = read(`${main}lwc/caseStatusLive/caseStatusLive.html`);
    for (const [, name] of template.matchAll(/=?\{(\w+)\}/g)) {
        if (name === 'item') continue;
        assert.match(script, new RegExp(`(get ${name}\\(|@api ${name}\\b|\\b${name}\\(\\) \\{)`), name);
    }
});
