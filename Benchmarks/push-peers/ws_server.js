// ws on node, for scripts/bench-push-peers: `ws_server.js PORT PING_SECONDS`.
'use strict';
const http = require('http');
const WebSocket = require('/usr/share/nodejs/ws');

const [port, ping] = process.argv.slice(2).map(Number);
const server = http.createServer((request, response) => {
  const parts = [];
  request.on('data', (part) => parts.push(part));
  request.on('end', () => {
    const message = Buffer.concat(parts);
    for (const client of sockets.clients) if (client.readyState === WebSocket.OPEN) client.send(message, { binary: false });
    response.end('ok');
  });
});
server.keepAliveTimeout = 3600e3;
const sockets = new WebSocket.Server({ server, perMessageDeflate: false, maxPayload: 65536 });
// As its documentation shows it: one interval, in which all are pinged.
if (ping) setInterval(() => { for (const client of sockets.clients) client.ping(); }, ping * 1000);
server.listen({ port, host: '127.0.0.1', backlog: 4096 });
