// npm smpp as an SMSC: node smsc.js ['{"cert":…,"key":…,"ca":…}']; with `ca` it wants a client certificate.
// Prints `ready HOST:PORT`, then one JSON object a text; a receipt for each that asks for one; a text of ours whose words
// begin with `call me` is answered by a text.
const smpp = require('smpp'), fs = require('fs');
const tls = process.argv[2] ? JSON.parse(process.argv[2]) : {};
const options = {};
for (const name of ['cert', 'key', 'ca']) if (tls[name]) options[name] = fs.readFileSync(tls[name]);
if (tls.ca) Object.assign(options, { requestCert: true, rejectUnauthorized: true });
let number = 0;
const server = smpp.createServer(options, session => {
  session.on('bind_transceiver', pdu => session.send(pdu.response({ system_id: 'node' })));
  session.on('enquire_link', pdu => session.send(pdu.response()));
  session.on('unbind', pdu => { session.send(pdu.response()); session.close(); });
  session.on('error', () => {});
  session.on('submit_sm', pdu => {
    const id = (++number).toString(16);
    const { udh, message } = pdu.short_message;
    const place = udh ? udh[0].slice(-3) : [0, 1, 1];
    console.log(JSON.stringify({ text: message.toString(), ref: place[0], parts: place[1], part: place[2],
      to: pdu.destination_addr, from: pdu.source_addr }));
    session.send(pdu.response({ message_id: id }));
    const back = { source_addr_ton: 1, source_addr_npi: 1, source_addr: pdu.destination_addr, dest_addr_ton: 1, dest_addr_npi: 1,
      destination_addr: pdu.source_addr };
    if (pdu.registered_delivery) session.deliver_sm({ ...back, esm_class: 4, receipted_message_id: id, message_state: 2,
      short_message: `id:${id} sub:001 dlvrd:001 submit date:2611231600 done date:2611231600 stat:DELIVRD err:000 text:` });
    if (message.toString().startsWith('call me')) session.deliver_sm({ ...back, data_coding: 8, short_message: 'мы перезвоним 😀' });
  });
});
server.on('tlsClientError', () => {});
server.on('error', () => {});
server.listen(0, '127.0.0.1', function () { console.log(`ready 127.0.0.1:${this.address().port}`); });
