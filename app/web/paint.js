/**
 * Applies changes once per frame, and keeps the end in view if the reader is near it.
 *
 * Nearness is measured before the changes, because new text moves the end away. Painting by
 * frames costs one layout for all words of a frame.
 *
 * @typedef {() => void} Job
 *
 * @param {Element} scroller
 * @returns {{paint: (job: Job) => void, flush: () => void, toEnd: () => void}}
 */
export function createPainter(scroller) {
  /** @type {Job[]} */
  let jobs = [];

  function toEnd() {
    scroller.scrollTop = scroller.scrollHeight;
  }

  function flush() {
    if (jobs.length === 0) return;
    const follow = isNearEnd(scroller);
    const due = jobs;
    jobs = [];
    for (const job of due) job();
    if (follow) toEnd();
  }

  /** @param {Job} job */
  function paint(job) {
    jobs.push(job);
    if (jobs.length === 1) requestAnimationFrame(flush);
  }

  return { paint, flush, toEnd };
}

const NEAR = 80; // CSS pixels: about three lines

/** @param {Element} scroller */
function isNearEnd({ scrollHeight, scrollTop, clientHeight }) {
  return scrollHeight - scrollTop - clientHeight < NEAR;
}
