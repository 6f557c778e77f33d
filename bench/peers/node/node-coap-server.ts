// node-coap as a server: /bench answers 32 bytes, /image 1 MiB block-wise.
import { createServer } from 'coap';

const small = Buffer.alloc(32, 'x');
const image = Buffer.alloc(1 << 20, 'x');
const server = createServer((request, response) => {
  response.end(request.url === '/image' ? image : small);
});
server.listen(Number(process.argv[2]), '127.0.0.1', () => console.log('ready'));
