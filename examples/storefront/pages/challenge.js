// A proof of work, which the shop asks for under pressure. The server verifies it in src/challenge.rs.

import { Refused, say } from "/assets/common.js";

const ASKED = "ReCaptcha validation failed, please try again";
const AT_ONCE = 512;

/** Runs `asking`, and once more with a proof of work if the shop asks for one. */
export async function withProof(form, account, asking) {
  try {
    return await asking();
  } catch (refused) {
    if (!(refused instanceof Refused) || refused.message !== ASKED) throw refused;
  }
  say("One moment, please: your browser solves a puzzle, which keeps robots away.");
  const proof = await solve(`${form} ${account} ${Math.floor(Date.now() / 60_000)} `);
  say("");
  return asking(proof);
}

/** The first number that makes the SHA-256 of `text` and the number begin with 16 zero bits. */
async function solve(text) {
  for (let first = 0; ; first += AT_ONCE) {
    const numbers = Array.from({ length: AT_ONCE }, (_, index) => first + index);
    const solved = await Promise.all(numbers.map((number) => solves(`${text}${number}`)));
    const found = solved.indexOf(true);
    if (found >= 0) return String(first + found);
  }
}

async function solves(text) {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  const [high, low] = new Uint8Array(digest);
  return high === 0 && low === 0;
}
