// The room an element has and the colours in force at it, for what is drawn on a canvas in it.
// What must not live here: what is drawn.
import { useLayoutEffect, useState } from "preact/hooks";
import { onThemeChange, readColours, type Colours } from "../scales";

/** The size of an element and the theme's colours at it, kept up to date. */
export function useRoom(box: { current: HTMLElement | null }) {
  const [size, setSize] = useState({ width: 0, height: 0 });
  const [colours, setColours] = useState<Colours | null>(null);
  useLayoutEffect(() => {
    const element = box.current;
    if (!element) return;
    const measure = () => {
      const width = element.clientWidth;
      const height = element.clientHeight;
      setSize((had) => (had.width === width && had.height === height ? had : { width, height }));
    };
    const read = () => setColours(readColours(element));
    measure();
    read();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    const stop = onThemeChange(read);
    return () => {
      observer.disconnect();
      stop();
    };
  }, [box]);
  return { size, colours };
}
