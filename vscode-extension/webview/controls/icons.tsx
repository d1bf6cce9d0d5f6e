// Small pictures for buttons, drawn here so that they need no font.
// What must not live here: what pressing them does.

const PATHS = {
  pin: "M6 2h4l-.6 4.2L12 9v1.2H8.6V14L8 15l-.6-1v-3.8H4V9l2.6-2.8z",
  follow: "M8 2.5v3M8 10.5v3M2.5 8h3M10.5 8h3M8 4.5a3.5 3.5 0 1 0 0 7a3.5 3.5 0 1 0 0-7z",
  tab: "M2.5 3.5h11v9h-11zM2.5 6h11M7.5 3.5V6",
  close: "M4 4l8 8M12 4l-8 8",
  back: "M13 8H3.5M7 4.3L3.3 8L7 11.7",
  forward: "M3 8h9.5M9 4.3L12.7 8L9 11.7",
  numbers: "M3.2 6l1.6-1.5V11M8 6.2c0-2.2 3.4-2.2 3.4 0c0 1.5-3.4 2.6-3.4 4.8h3.6",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name }: { name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 16 16" width="14" height="14" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  );
}
