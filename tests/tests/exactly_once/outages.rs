//! PostgreSQL that is killed, stopped, or cuts its connections while clients go on at two sidecars: all heals by itself.

use rekey_tests::house::{On, Plan};
use rekey_tests::stage::{Postgres, Safety};

use crate::clients::{Dice, settle_in};
use crate::crashes::tell;
use crate::ledger::balance;
use crate::rounds;

#[test]
fn the_server_goes_and_comes_back() {
    let mut server = Postgres::start(Safety::Plain).unwrap();
    let database = server.database().unwrap();
    let on = On::Postgres(database.clone());
    let limits = crate::PLENTY;
    let (crew, world) = settle_in(&Plan { limits, on, others: 1, ..Plan::default() });
    for seed in 1..=rounds(9) {
        let mut dice = Dice::new(seed);
        let moment = dice.below(30);
        let what = ["killed", "stopped", "cut off"][(seed % 3) as usize];
        world.while_clients_go_on(seed, || {
            world.wait_for_answers(moment);
            match what {
                "killed" => server.kill().and_then(|()| server.restart()).unwrap(),
                "stopped" => server.stop().and_then(|()| server.restart()).unwrap(),
                _ => {
                    for _ in 0..3 {
                        database.drop_connections().unwrap();
                        world.wait_for_answers(3);
                    }
                }
            }
            world.wait_for_answers(8);
        });
        let context = format!("server {what}, seed {seed}");
        balance(&crew, &world, 3, &context);
        tell(seed, &context, &world);
    }
    assert!(!world.notes().resets.is_empty(), "nobody ever came through");
}
