//! What must hold of every model, whatever its numbers: gradients are slopes, parts sum to wholes, nothing flows from a
//! later token, threads and cached prefixes change no bit, and what is not finite is an error. No golden numbers here.

#![expect(clippy::unwrap_used, reason = "a test program: what cannot be read fails the test")]

mod answers;
mod cancelled;
mod changed_by_hand;
mod changed_continuations;
mod changed_runs;
mod changes_together;
mod finite_differences;
mod frozen_forward;
mod gradients;
mod hooked_forward;
mod interventions;
mod later_tokens;
mod long_changed_runs;
mod not_finite;
mod permuted_heads;
mod refused_changes;
mod route_steps;
mod routes;
mod scores;
mod shared_findings;
mod sums;
mod threads;
