// A name that a customer recognises a device by. User agents lie and change: the page has the whole of it as a detail.

// The first that matches: each names itself after those below it, too.
const BROWSERS = [
  ["Edge", /\bEdg(e|A|iOS)?\//],
  ["Opera", /\bOPR\/|\bOPT\//],
  ["Samsung Internet", /\bSamsungBrowser\//],
  ["Firefox", /\b(Firefox|FxiOS)\//],
  ["Chrome", /\b(Headless)?(Chrome|Chromium|CriOS)\//],
  ["Safari", /\bVersion\/.*\bSafari\//],
];
const SYSTEMS = [
  ["iPhone", /\biPhone\b/],
  ["iPad", /\biPad\b/],
  ["Android", /\bAndroid\b/],
  ["ChromeOS", /\bCrOS\b/],
  ["Windows", /\bWindows\b/],
  ["macOS", /\bMacintosh\b/],
  ["Linux", /\bLinux\b/],
];

/** "Firefox on Windows", or the name of a program that is no browser, or what is known. */
export function deviceName(userAgent) {
  const text = userAgent ?? "";
  const first = (names) => names.find(([, pattern]) => pattern.test(text))?.[0];
  const [browser, system] = [first(BROWSERS), first(SYSTEMS)];
  if (browser && system) return `${browser} on ${system}`;
  if (browser || system) return browser ?? `A browser on ${system}`;
  // Each browser calls itself Mozilla. Other programs begin with their own name.
  const program = /^([\w.-]{1,40})\//.exec(text)?.[1];
  return program && program !== "Mozilla" ? `The program ${program}` : "An unknown device";
}
