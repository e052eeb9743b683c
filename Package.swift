// swift-tools-version: 6.2
import PackageDescription

// The rooms of the house, bottom to top. Dependencies point down only:
//
//   GantryCLI  >  Gantry  >  MarlinLink, PrusaConnect, BoardIO  >  GCodeStream, BinaryGCode, CModules
//
// MarlinLink, PrusaConnect and BoardIO do not know each other; GCodeStream and BinaryGCode import nothing at all.
// Simulators stands beside the house: it plays the printer and the Connect server for the demo, the
// benchmark and the tests, and knows none of the code that it is there to try. StreamSimulation puts its printer and
// the engine under one simulated clock.

let crypto: Target.Dependency = .product(name: "Crypto", package: "swift-crypto")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let arguments: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")

let package = Package(
    name: "gantry",
    products: [
        .executable(name: "gantry", targets: ["GantryCLI"]),
        .executable(name: "gantry-bench", targets: ["GantryBench"]),
        .executable(name: "gantry-bench-connect", targets: ["ConnectBench"]),
        .executable(name: "gantry-soak", targets: ["GantrySoak"]),
        .executable(name: "gantry-board", targets: ["BoardProbe"]),
        .library(name: "GCodeStream", targets: ["GCodeStream"]),
        .library(name: "BinaryGCode", targets: ["BinaryGCode"]),
        .library(name: "MarlinLink", targets: ["MarlinLink"]),
        .library(name: "PrusaConnect", targets: ["PrusaConnect"]),
        .library(name: "BoardIO", targets: ["BoardIO"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.5.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-crypto", "3.0.0"..<"5.0.0"),
    ],
    targets: [
        // C: what Swift cannot import, and nothing else.
        .target(name: "CSerial", path: "CModules/CSerial"),
        // dlopen lives in libdl before glibc 2.34.
        .target(name: "CCurl", path: "CModules/CCurl", linkerSettings: [.linkedLibrary("dl")]),
        .target(name: "CV4L2", path: "CModules/CV4L2"),
        .systemLibrary(
            name: "CGpiodSystem", path: "CModules/CGpiodSystem", pkgConfig: "libgpiod",
            providers: [.apt(["libgpiod-dev"])]),
        .target(
            name: "CGpiod", dependencies: ["CGpiodSystem"], path: "CModules/CGpiod",
            linkerSettings: [.linkedLibrary("gpiod")]),
        .systemLibrary(
            name: "CUdev", path: "CModules/CUdev", pkgConfig: "libudev", providers: [.apt(["libudev-dev"])]),

        // The hot path: a pure state machine.
        .target(name: "GCodeStream", swiftSettings: [.strictMemorySafety()]),

        // Binary G-code files: a pure decoder, for printing and for what Connect is told.
        .target(name: "BinaryGCode", swiftSettings: [.strictMemorySafety()]),

        // Three rooms that do not know each other.
        .target(name: "MarlinLink", dependencies: ["GCodeStream", "BinaryGCode", "CSerial"]),
        .target(name: "PrusaConnect", dependencies: ["BinaryGCode", "CCurl", "CV4L2", crypto]),
        .target(name: "BoardIO", dependencies: ["CGpiod", "CUdev"]),

        // The board by hand: for trying a wiring, and for the rig in hardware/vm.
        .executableTarget(name: "BoardProbe", dependencies: ["BoardIO"]),

        // The benchmark: the printer and two hosts in C, and a malloc that counts. Nothing else may link these.
        .target(name: "CAllocationCounter", path: "CModules/CAllocationCounter"),
        .target(name: "CBench", dependencies: ["CAllocationCounter"], path: "CModules/CBench"),
        .executableTarget(name: "GantryBench", dependencies: ["MarlinLink", "CBench", "CAllocationCounter"]),

        // Our side of Tests/Benchmarks/connect, the benchmark beside the Python package.
        .executableTarget(name: "ConnectBench", dependencies: ["PrusaConnect"]),

        // The bridge and the command line.
        .target(name: "Gantry", dependencies: ["GCodeStream", "MarlinLink", "PrusaConnect", "BoardIO", logging]),
        .executableTarget(
            name: "GantryCLI",
            dependencies: ["Gantry", "MarlinLink", "PrusaConnect", "BoardIO", "Simulators", arguments, logging]),

        // The other side of both wires.
        .target(name: "Simulators", dependencies: ["CSerial", crypto]),

        // Engine and simulated printer under a simulated clock, for the tests and for hours of it.
        .target(name: "StreamSimulation", dependencies: ["GCodeStream", "Simulators"]),
        .executableTarget(name: "GantrySoak", dependencies: ["StreamSimulation", "GCodeStream"]),

        .testTarget(name: "GCodeStreamTests", dependencies: ["GCodeStream", "Simulators", "StreamSimulation"]),
        .testTarget(
            name: "BinaryGCodeTests", dependencies: ["BinaryGCode"], resources: [.copy("Fixtures")]),
        .testTarget(
            name: "MarlinLinkTests",
            dependencies: ["MarlinLink", "GCodeStream", "BinaryGCode", "Simulators", "CSerial"]),
        .testTarget(
            name: "PrusaConnectTests", dependencies: ["PrusaConnect", "BinaryGCode", "CV4L2", "EventPoster"],
            resources: [.copy("Fixtures")]),
        // Killed by a test of PrusaConnect.
        .executableTarget(name: "EventPoster", dependencies: ["PrusaConnect"], path: "Tests/EventPoster"),
        .testTarget(name: "BoardIOTests", dependencies: ["BoardIO"]),
        .testTarget(name: "GantryTests", dependencies: ["Gantry", "Simulators"]),
        .testTarget(
            name: "GantryCLITests",
            dependencies: ["GantryCLI", "Gantry", "BoardIO", "MarlinLink", "Simulators", "CSerial", logging]),
        .testTarget(name: "SimulatorsTests", dependencies: ["Simulators", "CSerial"], exclude: ["Fixtures"]),
    ],
    swiftLanguageModes: [.v6]
)
