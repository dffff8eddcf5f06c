//! What must hold of the store whatever lies beneath: holds, leases, resumed messages, and the file itself.

mod budgets;
mod outbox;
mod proofs;
mod rig;
mod rows;
