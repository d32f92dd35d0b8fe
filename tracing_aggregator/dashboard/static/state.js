// Whether what is shown is of now: of the server, its reading of Kafka, and the job.

import { address, h } from "./dom.js";
import { stamp } from "./words.js";

const EVERY_MS = 3000;
const byId = (id) => document.getElementById(id);

/** The brokers that the dashboard reads, null until they are known. */
export const known = { servers: null, writtenMs: null, isFresh: false };

/** What `explain` is to be typed for this subject. */
export function command(subject) {
  const quoted = /^[\w./@:-]+$/.test(subject) ? subject : `'${subject.replaceAll("'", "'\\''")}'`;
  return `tracing-aggregator explain ${quoted}` + (known.servers ? ` -o bootstrap.servers=${known.servers}` : "");
}

/** Findings up to this instant have been seen in this browser. */
export function seenMs() {
  return Number(localStorage.getItem("seen") ?? 0);
}

export function seeAll() {
  localStorage.setItem("seen", String(known.writtenMs ?? Date.now()));
}

/** Ask again and again; `looked(isBack)` is called each time that all is fresh, with whether it was not before. */
export async function watch(looked) {
  let wasGone = false;
  for (;;) {
    const why = await look();
    mark(why);
    if (known.isFresh) looked(wasGone);
    wasGone = !known.isFresh;
    await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
  }
}

/** Why what is shown is not of now; null if it is. */
async function look() {
  let told;
  try {
    const answer = await fetch(address("/api/v1/status", { seen: seenMs() }), { signal: AbortSignal.timeout(10_000) });
    if (!answer.ok) throw new Error(answer.statusText);
    told = await answer.json();
  } catch {
    return "The dashboard does not answer. It is started with: tracing-aggregator dashboard";
  }
  known.servers = told.reading.servers ?? null;
  known.writtenMs = told.writtenMs;
  // Who looks for the first time has nothing that is new.
  if (localStorage.getItem("seen") === null) seeAll();
  else badge(told.new);
  if (told.reading.state === "failed") return `Kafka cannot be read (${told.reading.error}). To see why: tracing-aggregator check`;
  if (told.job.isGone) return `The pipeline is gone or not ready (${told.job.why}). It is started with: tracing-aggregator run`;
  return null;
}

function mark(why) {
  known.isFresh = why === null;
  document.body.classList.toggle("is-stale", !known.isFresh);
  const box = byId("stale");
  if (known.isFresh) {
    box.hidden = true;
    return;
  }
  const asOf = known.writtenMs ? `Data as of ${stamp(known.writtenMs).slice(11, 19)}. ` : "";
  if (box.textContent !== asOf + why) box.replaceChildren(h("strong", {}, asOf), why);
  box.hidden = false;
}

function badge(count) {
  const link = byId("pages").querySelector('a[href^="/incidents"]');
  if (link) link.textContent = count ? `Incidents (${count > 99 ? "99+" : count} new)` : "Incidents";
}
