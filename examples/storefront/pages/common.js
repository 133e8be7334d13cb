// What all the pages share: asking the server, saying how it went, and showing one view at a time.

/** An answer other than the one asked for. Status 0: there was no answer at all. */
export class Refused extends Error {
  constructor(status, message, { challenge = "", parameters = {} } = {}) {
    super(message);
    this.status = status;
    this.parameters = parameters;
    // A 401 may also be a wrong password or a missing permission: the challenge tells which it is.
    this.endsSession = challenge.includes("invalid_token");
    // The token is good, and its sign-in too old for this (RFC 9470).
    this.needsStepUp = challenge.includes("insufficient_user_authentication");
    // Nobody has been refused: the token is kept, and the same may be asked again.
    this.mayTryAgain = status === 0 || status === 503;
  }
}

/** Asks the server, as the bearer of `token` and with a `proof` of work where there are some, and gives its JSON answer. */
export async function ask(path, { token, proof, body, method = body === undefined ? "GET" : "POST" } = {}) {
  const headers = { Accept: "application/json" };
  if (token) headers.Authorization = `Bearer ${token}`;
  if (proof) headers["X-ReCaptcha"] = proof;
  if (body !== undefined) headers["Content-Type"] = "application/json";

  let response;
  try {
    response = await fetch(path, {
      method,
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
      // For the cookie of a known device, which the server reads at a sign-in. It signs nobody in.
      credentials: "same-origin",
    });
  } catch {
    throw new Refused(0, "The shop cannot be reached. Please check your connection and try again.");
  }
  if (response.status === 503) {
    throw new Refused(503, "The shop cannot answer just now. Please try again in a moment.");
  }

  if (response.status === 204) return null;
  const answer = await response.json().catch(() => null);
  const error = answer?.errors?.[0];
  if (!response.ok || error) {
    const message = messageOf(answer, error) ?? "Something went wrong. Please try again.";
    const challenge = response.headers.get("WWW-Authenticate") ?? "";
    throw new Refused(response.status, message, { challenge, parameters: answer?.parameters });
  }
  return answer;
}

/** Runs a GraphQL operation and gives its data. */
export async function graphql(query, variables, token, proof) {
  const { data } = await ask("/graphql", { token, proof, body: { query, variables } });
  return data;
}

// GraphQL puts its message into the first error; REST has a template, and parameters by name or by number.
function messageOf(answer, error) {
  if (answer?.message === undefined) return error?.message;
  const parameters = answer.parameters ?? {};
  return answer.message.replace(/%(\w+)/g, (place, name) =>
    String((Array.isArray(parameters) ? parameters[Number(name) - 1] : parameters[name]) ?? place));
}

export const byId = (id) => document.getElementById(id);

/** Says how it went, aloud to a screen reader too; with `again`, offers to try it again. */
export function say(text, { kind = "good", again } = {}) {
  const message = byId("message");
  message.textContent = text;
  message.dataset.kind = kind;
  const button = byId("try-again");
  button.hidden = !again;
  button.onclick = again ?? null;
}

/** Runs what a click or a form asked for, and says so if it is refused. */
export async function attempt(action, sessionEnded, stepUp) {
  say("");
  try {
    await action();
  } catch (refused) {
    if (!(refused instanceof Refused)) throw refused;
    if (refused.endsSession) return sessionEnded();
    const again = () => attempt(action, sessionEnded, stepUp);
    if (refused.needsStepUp && stepUp) return stepUp(again);
    say(refused.message, { kind: "bad", again: refused.mayTryAgain ? again : undefined });
  }
}

/** One submission at a time: a second click while the first is on its way does nothing. */
export function onSubmit(form, action) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (form.ariaBusy === "true") return;
    form.ariaBusy = "true";
    try {
      await action(new FormData(form));
    } finally {
      form.ariaBusy = "false";
    }
  });
}

/** Shows one view instead of another, and takes the keyboard and the screen reader along. */
export function show(id) {
  for (const view of document.querySelectorAll("main > section")) view.hidden = view.id !== id;
  document.title = `${byId(id).querySelector("h1").textContent} - Storefront`;
  focusHeading(byId(id));
}

export function focusHeading(section) {
  section.querySelector("h1, h2, h3").focus();
}

/** An element with properties and children. Text stays text: nothing from the server is ever read as HTML. */
export function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

// In the language of the page, and in the time zone of the reader's system.
const formats = (timeStyle) => new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle });
const [minutes, seconds] = [formats("short"), formats("medium")];

/** A time as the reader's own clock has it. */
export const timeOf = (text) => time(text, minutes);
export const exactTimeOf = (text) => time(text, seconds);

function time(text, format) {
  return make("time", { dateTime: text, title: `${text}, as the server has it` }, format.format(new Date(text)));
}

/** Says once a page whose times they are. */
export function sayTimeZone() {
  byId("time-zone").textContent = `Times are in your time zone, ${minutes.resolvedOptions().timeZone.replaceAll("_", " ")}.`;
}

/** A list of one entry, if it would be empty: what to do next. */
export function fill(id, items, otherwise) {
  byId(id).replaceChildren(...(items.length > 0 ? items : [make("li", { className: "quiet" }, otherwise)]));
}
