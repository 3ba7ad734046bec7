// npm smpp as a client: node esme.js '{"port":…,"password":…,"texts":[{"text":…,"coding":0|8}],"receipts":N,"received":N,"tls":{…}}'
// Sends each text in parts with a user data header, waits for receipts and texts, prints what it saw as one line of JSON.
const smpp = require('smpp'), fs = require('fs');
const wish = JSON.parse(process.argv[2]);
const seen = { ids: [], receipts: [], received: [] };
const options = { host: '127.0.0.1', port: wish.port };
if (wish.tls) Object.assign(options, { tls: true, servername: wish.tls.servername, ca: [fs.readFileSync(wish.tls.ca)] });
if (wish.tls && wish.tls.cert) Object.assign(options, { cert: fs.readFileSync(wish.tls.cert), key: fs.readFileSync(wish.tls.key) });

// 76 characters have 152 septets at most; 67 units of UTF-16 may end within a pair, as many senders cut it
const cut = (text, size) => text.match(new RegExp(`[\\s\\S]{1,${size}}`, 'g'));
const session = smpp.connect(options, () => session.bind_transceiver({ system_id: 'u', password: wish.password }, bind => {
  if (bind.command_status) fail(`bind ${bind.command_status}`);
  wish.texts.forEach(({ text, coding }, reference) => {
    const parts = cut(text, coding ? 67 : 76);
    parts.forEach((part, i) => session.submit_sm({
      source_addr_ton: 1, source_addr_npi: 1, source_addr: '15550100100', dest_addr_ton: 1, dest_addr_npi: 1,
      destination_addr: '15550100777', registered_delivery: 1, data_coding: coding,
      short_message: { udh: Buffer.from([5, 0, 3, reference, parts.length, i + 1]), message: part },
    }, answer => { seen.ids.push(answer.command_status ? `status ${answer.command_status}` : answer.message_id); done(); }));
  });
  done();
}));
session.on('deliver_sm', pdu => {
  session.send(pdu.response());
  const { udh, message } = pdu.short_message;
  if (pdu.esm_class & 4) seen.receipts.push(pdu.receipted_message_id);
  else seen.received.push({ part: udh ? udh[0][udh[0].length - 1] : 1, text: message });
  done();
});
session.on('error', error => fail(error.code || error.message));

function done() {
  const parts = wish.texts.reduce((n, { text, coding }) => n + cut(text, coding ? 67 : 76).length, 0);
  if (seen.ids.length < parts || seen.receipts.length < parts * wish.receipts || seen.received.length < wish.received) return;
  session.unbind(() => { console.log(JSON.stringify(seen)); session.close(() => process.exit(0)); });
}
function fail(why) { console.error(why); process.exit(1); }
