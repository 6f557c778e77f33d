// node-coap sending one Register-like POST.
import { request } from 'coap';

const outgoing = request({
  host: '127.0.0.1',
  port: Number(process.argv[2]),
  pathname: '/rd',
  query: 'ep=bench',
  method: 'POST',
});
outgoing.on('error', () => {});
outgoing.end('</3/0>,</3303/0>,</3311/0>');
setInterval(() => {}, 1000);
