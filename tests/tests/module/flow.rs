//! Where control comes by in a function. Compilers write `unreachable` where it never does, to please the validator, and
//! as the arm of a table for a value that no type has; neither is a trap that anybody can run into.

use wasmparser::Operator;

/// How control came to a place.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Came {
    #[default]
    Never,
    /// By a table of branches alone: one arm of a match.
    ByTable,
    Freely,
}

pub(crate) struct Flow {
    blocks: Vec<Block>,
    here: Came,
}

struct Block {
    is_loop: bool,
    before: Came,
    /// By the branches to its end.
    end: Came,
}

impl Default for Flow {
    fn default() -> Self {
        Self { blocks: Vec::new(), here: Came::Freely }
    }
}

impl Flow {
    pub(crate) fn comes_by(&self) -> bool {
        self.here == Came::Freely
    }

    pub(crate) fn step(&mut self, operator: &Operator<'_>) {
        match operator {
            Operator::Block { .. } => self.enter(false, Came::Never),
            // Without an `else`, a false condition leads to the end.
            Operator::If { .. } => self.enter(false, self.here),
            Operator::Loop { .. } => self.enter(true, Came::Never),
            Operator::Else => self.other_half(),
            Operator::End => {
                let end = self.blocks.pop().filter(|block| !block.is_loop).map(|block| block.end);
                self.here = self.here.max(end.unwrap_or_default());
            }
            Operator::BrIf { relative_depth } => self.branch(*relative_depth, self.here),
            Operator::Br { relative_depth } => {
                self.branch(*relative_depth, self.here);
                self.here = Came::Never;
            }
            Operator::BrTable { targets } => {
                let others = targets.targets().map(Result::unwrap);
                let how = self.here.min(Came::ByTable);
                others.chain([targets.default()]).for_each(|depth| self.branch(depth, how));
                self.here = Came::Never;
            }
            Operator::Return | Operator::Unreachable => self.here = Came::Never,
            // What runs at all runs freely.
            _ if self.here == Came::ByTable => self.here = Came::Freely,
            _ => {}
        }
    }

    fn other_half(&mut self) {
        if let Some(block) = self.blocks.last_mut() {
            block.end = block.end.max(self.here);
            self.here = block.before;
        }
    }

    fn enter(&mut self, is_loop: bool, end: Came) {
        self.blocks.push(Block { is_loop, before: self.here, end });
    }

    fn branch(&mut self, depth: u32, how: Came) {
        let at = self.blocks.len().checked_sub(1 + depth as usize);
        if let Some(block) = at.and_then(|at| self.blocks.get_mut(at)) {
            block.end = block.end.max(how);
        }
    }
}
