// Encrypts with SM2 as a page in a browser would: C1, C3, C2; the second argument is what stands before it.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const [packages, mark = ''] = process.argv.slice(2);
const { sm2 } = createRequire(`${packages}/`)('sm-crypto');

const [document, ...passwords] = readFileSync(0, 'utf8').trimEnd().split('\n').map((line) => JSON.parse(line));
for (const password of passwords) console.log(mark + sm2.doEncrypt(password, document.sm2.publicKey, 1));
