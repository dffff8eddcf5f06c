//! Web hooks against the reference receiver (`tests/receiver`), a process of its own, and against receivers that misbehave.
//! Every exchange is held to `sidecar/openapi/hooks.yaml`, every signature to Standard Webhooks' own library.

mod described;
mod directory;
mod doctor;
mod events;
mod hostile;
mod rig;
mod several;
