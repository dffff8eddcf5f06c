//! A reader of wasm modules: imports, exports, memory, and which function ends in which. What the linker's map says gives
//! the functions their names.

use std::collections::{BTreeMap, BTreeSet};

use wasmparser::{ElementItems, ExternalKind, FunctionBody, Operator, Parser, Payload, TypeRef};

use crate::flow::Flow;

/// What a module holds, as far as a test asks.
#[derive(Default)]
pub(crate) struct Binary {
    pub(crate) imports: BTreeSet<String>,
    pub(crate) exports: BTreeSet<String>,
    pub(crate) pages: u64,
    /// Where the stack begins; it grows down to 0.
    pub(crate) stack: i32,
    /// What a host or a table may call.
    entries: Vec<u32>,
    imported: u32,
    functions: Vec<Function>,
}

#[derive(Default)]
struct Function {
    calls: BTreeSet<u32>,
    /// Calls behind which nothing is reached.
    ends: BTreeSet<u32>,
    /// Bare `unreachable` where control comes by.
    traps: usize,
}

impl Binary {
    pub(crate) fn read(bytes: &[u8]) -> Self {
        let mut binary = Self::default();
        for payload in Parser::new(0).parse_all(bytes) {
            binary.take(payload.expect("a module"));
        }
        binary
    }

    fn take(&mut self, payload: Payload<'_>) {
        match payload {
            Payload::ImportSection(section) => {
                for import in section.into_imports().map(Result::unwrap) {
                    self.imported += u32::from(matches!(import.ty, TypeRef::Func(_)));
                    self.imports.insert(format!("{}.{}", import.module, import.name));
                }
            }
            Payload::MemorySection(section) => {
                self.pages = section.into_iter().map(|memory| memory.unwrap().initial).sum();
            }
            Payload::GlobalSection(section) => {
                let first = section.into_iter().next().expect("a stack pointer").unwrap();
                if let Ok(Operator::I32Const { value }) =
                    first.init_expr.get_operators_reader().read()
                {
                    self.stack = value;
                }
            }
            Payload::ExportSection(section) => {
                for export in section.into_iter().map(Result::unwrap) {
                    self.exports.insert(export.name.to_owned());
                    self.entries
                        .extend((export.kind == ExternalKind::Func).then_some(export.index));
                }
            }
            Payload::ElementSection(section) => {
                for element in section.into_iter().map(Result::unwrap) {
                    if let ElementItems::Functions(functions) = element.items {
                        self.entries.extend(functions.into_iter().map(Result::unwrap));
                    }
                }
            }
            Payload::StartSection { func, .. } => self.entries.push(func),
            Payload::CodeSectionEntry(body) => self.functions.push(Function::read(&body)),
            _ => {}
        }
    }

    fn function(&self, index: u32) -> Option<&Function> {
        self.functions.get(index.checked_sub(self.imported)? as usize)
    }

    /// Functions that a host can bring to run.
    fn reached(&self) -> BTreeSet<u32> {
        let mut reached = BTreeSet::new();
        let mut next = self.entries.clone();
        while let Some(index) = next.pop() {
            if reached.insert(index) {
                next.extend(self.function(index).into_iter().flat_map(|one| one.calls.iter()));
            }
        }
        reached
    }

    /// Functions that nobody comes back from: nothing is reached behind any call of them.
    fn endings(&self) -> BTreeSet<u32> {
        let ends = self.functions.iter().flat_map(|one| &one.ends).copied();
        let returns = |index: &u32| {
            let calls = |one: &&Function| one.calls.contains(index) && !one.ends.contains(index);
            self.functions.iter().any(|one| calls(&one))
        };
        ends.filter(|index| !returns(index)).collect()
    }

    /// For every function that can run, returns, and calls one that never does: the names of those; `trap` for a bare one.
    pub(crate) fn last_words(&self, names: &[String]) -> BTreeMap<String, BTreeSet<String>> {
        assert_eq!(names.len(), self.functions.len(), "the map is of another module");
        let (reached, endings) = (self.reached(), self.endings());
        let name = |index: u32| {
            let at = index.checked_sub(self.imported).expect("an import that never returns");
            names[at as usize].clone()
        };
        let mut all: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for index in reached.difference(&endings).copied() {
            let Some(function) = self.function(index) else { continue };
            let ends = function.calls.intersection(&endings).map(|end| name(*end));
            let traps = (function.traps > 0).then(|| "trap".to_owned());
            let words: Vec<String> = ends.chain(traps).collect();
            if !words.is_empty() {
                all.entry(name(index)).or_default().extend(words);
            }
        }
        all
    }
}

impl Function {
    fn read(body: &FunctionBody<'_>) -> Self {
        let mut function = Self::default();
        let mut returning = BTreeSet::new();
        let mut called = None;
        let mut flow = Flow::default();
        for operator in body.get_operators_reader().unwrap().into_iter().map(Result::unwrap) {
            match (&operator, called) {
                (Operator::End, _) => {}
                (Operator::Unreachable, Some(index)) => {
                    function.ends.insert(index);
                    called = None;
                }
                (Operator::Unreachable, None) => function.traps += usize::from(flow.comes_by()),
                (_, Some(index)) => {
                    returning.insert(index);
                    called = None;
                }
                _ => {}
            }
            if let Operator::Call { function_index } = operator {
                called = Some(function_index);
                function.calls.insert(function_index);
            }
            flow.step(&operator);
        }
        returning.extend(called);
        function.ends.retain(|index| !returning.contains(index));
        function
    }
}

/// The names of a module's functions in their order, from the linker's map.
pub(crate) fn names(map: &str) -> Vec<String> {
    let lines = map.lines().skip_while(|line| !line.ends_with(" CODE")).skip(1);
    let code = lines.take_while(|line| !line.ends_with(" DATA"));
    let function = |line: &'_ str| {
        let (_, name) = line.strip_suffix(')')?.rsplit_once(":(")?;
        Some(format!("{:#}", rustc_demangle::demangle(name)))
    };
    code.filter_map(function).collect()
}
