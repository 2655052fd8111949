import Glibc
import NightEngine
import SystemPackage
import TaleSystem

// Simulated nights: eight hours of a queue in about a second, each from one seed.
//   NightSimulation --seed S          one night
//   NightSimulation --count N         so many, from seed 1 or --from S
//   NightSimulation --minutes M       as many as there is time for
//   NightSimulation --controls        with mistakes that must be found
let options = NightOptions(Array(CommandLine.arguments.dropFirst()))
guard let options else { exit(2) }
night_prepare(CommandLine.unsafeArgv)
exit(options.plantsMistakes ? Nights(options).controls() : Nights(options).run())
