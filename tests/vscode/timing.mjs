// Times as a person feels them: from the gesture to the frame in which its result is drawn, measured in the browser.

/** Sorted times as `p50 … p95 …`, milliseconds. */
export function percentiles(times) {
  const sorted = [...times].sort((a, b) => a - b);
  const at = (share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))].toFixed(0);
  return `p50 ${at(0.5)} ms, p95 ${at(0.95)} ms, longest ${at(1)} ms (${sorted.length} rounds)`;
}

/**
 * Milliseconds from the next key press in the page to the first frame after `isThere` holds. `isThere` runs in the page, at every
 * change of the document, so it must be cheap; `press` makes the gesture.
 */
export async function fromKeyToPixels(page, isThere, press, { timeout = 20_000 } = {}) {
  await page.evaluate(
    ([test, patience]) => {
      const holds = new Function(`return (${test})`)();
      window.__timed = new Promise((resolve, reject) => {
        let start;
        const begin = () => (start = performance.now());
        window.addEventListener("keydown", begin, { capture: true });
        const finish = (what) => {
          window.removeEventListener("keydown", begin, { capture: true });
          observer.disconnect();
          clearTimeout(timer);
          what();
        };
        const observer = new MutationObserver(() => {
          if (start === undefined || !holds()) return;
          // The frame in which it is drawn, and the moment after.
          requestAnimationFrame(() => setTimeout(() => finish(() => resolve(performance.now() - start))));
          observer.disconnect();
        });
        observer.observe(document.body, {
          subtree: true,
          childList: true,
          attributes: true,
          characterData: true,
        });
        const timer = setTimeout(() => finish(() => reject(new Error("nothing was drawn"))), patience);
      });
      window.__timed.catch(() => {});
    },
    [isThere.toString(), timeout],
  );
  await press();
  return await page.evaluate(() => window.__timed);
}

/**
 * In a frame: milliseconds of main-thread work for each of `steps` events of a slider: the event's own script, and the next frame's
 * callbacks, style, layout and paint. Waiting for the screen is not counted.
 */
export function slide(frame, selector, steps) {
  return frame.evaluate(
    async ([where, count]) => {
      const slider = document.querySelector(where);
      const [low, high] = [Number(slider.min || 0), Number(slider.max || 100)];
      const set = Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value").set;
      const channel = new MessageChannel();
      const times = [];
      for (let step = 0; step < count; step++) {
        await new Promise((next) => requestAnimationFrame(next));
        // Asked for before the event, so it is the first callback of the frame; the message comes when the frame is done.
        const frameTook = new Promise((next) =>
          requestAnimationFrame(() => {
            const start = performance.now();
            channel.port1.onmessage = () => next(performance.now() - start);
            channel.port2.postMessage(0);
          }),
        );
        const start = performance.now();
        const share = 0.5 + 0.5 * Math.sin(step / 5);
        set.call(slider, String(low + share * (high - low)));
        slider.dispatchEvent(new Event("input", { bubbles: true }));
        const script = performance.now() - start;
        times.push(script + (await frameTook));
      }
      return times;
    },
    [selector, steps],
  );
}
