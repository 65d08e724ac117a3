// swift-tools-version: 6.2

import PackageDescription

/// Fuzzing is a package of its own, so that building the product does not link libFuzzer. `scripts/fuzz` builds and runs it:
/// it sets `MILLRACE_FUZZING`, which gives our modules their coverage, and passes the library that the toolchain brings.
let package = Package(
    name: "millrace-fuzzing",
    platforms: [.macOS(.v15)],
    dependencies: [.package(name: "millrace", path: "..")],
    targets: [
        .executableTarget(name: "fuzz", dependencies: [.product(name: "FuzzTargets", package: "millrace")])
    ],
    swiftLanguageModes: [.v6]
)
