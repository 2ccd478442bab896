"""oddsock breaks a running shop on purpose and accounts for every order.

        cli                        words of the command; exit codes
  stack  |  console                composition root  |  web pages
       drill                       break, buy, gather, account, mend, report
shop | cluster | telemetry         three systems, blind to each other
      clients                      the same three systems as seen over the wire
        kit                        what the libraries lack
"""

__version__ = "0.1.0"
