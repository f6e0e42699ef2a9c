//! The console of ubmc.

fn main() {
    std::process::exit(ubmc_tui::console::main());
}
