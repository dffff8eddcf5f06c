//! The directory "ldap" before a real OpenLDAP, and before Samba's Active Directory where it is installed: what is found,
//! what is written, and what is told when it cannot be.

mod active_directory;
#[path = "../trust/authority.rs"]
mod authority;
mod doctor;
mod finding;
mod outage;
mod rig;
mod tls;
mod writing;
