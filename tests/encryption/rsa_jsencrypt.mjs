// Encrypts as a page in a browser would; the argument is the directory of the npm packages.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const require = createRequire(`${process.argv[2]}/`);
const JSEncrypt = require('node-jsencrypt');

const [document, ...passwords] = readFileSync(0, 'utf8').trimEnd().split('\n').map((line) => JSON.parse(line));
const cipher = new JSEncrypt();
cipher.setPublicKey(document.rsa.publicKey);
for (const password of passwords) console.log(cipher.encrypt(password));
